/** What `convex deploy` brought: the modules' hashes and the schema. Their code is kept by nobody and never run. */
import { createHash, randomUUID } from "node:crypto";
import type { DocumentStore } from "../store/store";
import { declaredSchema, indexChange, type DeclaredSchema, type IndexChange } from "./schema-text";

export interface DeployedModule {
  /** As `data.js`. */
  readonly path: string;
  readonly environment: string;
  /** Of source and source map, hexadecimal: the CLI compares it. */
  readonly sha256: string;
}

export interface Deployment {
  readonly modules: readonly DeployedModule[];
  /** The schema's bundle. */
  readonly schema: { readonly sha256: string; readonly source: string } | null;
  readonly declared: DeclaredSchema;
  /** Version of the CLI that pushed it. */
  readonly udfServerVersion: string;
  /** The folder of the functions, as `convex/`. */
  readonly functions: string;
  /** ISO 8601; of the end of the push. */
  readonly deployedAt: string;
  readonly message: string | null;
}

/** A module as it is pushed. */
export interface PushedModule {
  readonly path: string;
  readonly source: string;
  readonly sourceMap?: string;
  readonly environment: string;
}

export interface PushRequest {
  readonly functions: string;
  readonly dryRun: boolean;
  readonly appDefinition: {
    readonly schema: PushedModule | null;
    readonly changedModules: readonly PushedModule[];
    readonly unchangedModuleHashes: readonly DeployedModule[];
    readonly udfServerVersion: string;
  };
  readonly componentDefinitions: readonly unknown[];
}

export interface Push {
  readonly id: string;
  readonly next: Deployment;
  readonly indexes: IndexChange;
}

/** The push itself is wrong; the CLI prints why. */
export class BadPush extends Error {
  override readonly name = "BadPush";
}

const FACT = "deployment";
const NO_SCHEMA: DeclaredSchema = { tables: [], indexes: [], schemaValidation: false };

function hash({ source, sourceMap }: PushedModule): string {
  return createHash("sha256").update(source).update(sourceMap ?? "").digest("hex");
}

export class Deployments {
  private current: Deployment | undefined;
  private readonly pending = new Map<string, Push>();

  constructor(private readonly store: Pick<DocumentStore, "fact" | "setFact" | "make">) {}

  async load(): Promise<void> {
    const text = await this.store.fact(FACT);
    this.current = text === undefined ? undefined : (JSON.parse(text) as Deployment);
  }

  get latest(): Deployment | undefined {
    return this.current;
  }

  /** Tables of the schema in force. */
  get tables(): readonly string[] {
    return this.current?.declared.tables ?? [];
  }

  /** Whether a function's module was deployed. @param path as `data:query` */
  has(path: string): boolean {
    const module = `${path.replace(/(\.js)?:.*$/, "")}.js`;
    return this.current?.modules.some((deployed) => deployed.path === module) ?? false;
  }

  /** What a push would make of what is there; changes nothing. @throws BadPush */
  evaluate(request: PushRequest): Push {
    const { appDefinition: app, componentDefinitions, functions } = request;
    if (componentDefinitions.length > 0) throw new BadPush(`the push has ${componentDefinitions.length} components, and the Convex double takes none`);
    const known = new Map(this.current?.modules.map((module) => [module.path, module.sha256]));
    const lost = app.unchangedModuleHashes.find(({ path, sha256 }) => known.get(path) !== sha256);
    if (lost) throw new BadPush(`the push says that ${lost.path} is unchanged, and what is deployed differs from it: deploy again`);
    const changed = app.changedModules.map((module) => ({ path: module.path, environment: module.environment, sha256: hash(module) }));
    const modules = [...changed, ...app.unchangedModuleHashes.map(({ path, environment, sha256 }) => ({ path, environment, sha256 }))].sort((a, b) => (a.path < b.path ? -1 : 1));
    const declared = app.schema ? declaredSchema(app.schema.source) : NO_SCHEMA;
    const schema = app.schema && { sha256: hash(app.schema), source: app.schema.source };
    const next: Deployment = { modules, schema, declared, udfServerVersion: app.udfServerVersion, functions, deployedAt: "", message: null };
    return { id: randomUUID(), next, indexes: indexChange(this.current?.declared.indexes ?? [], declared.indexes) };
  }

  /** Takes a push, which is in force when it is finished. @throws BadPush */
  start(request: PushRequest): Push {
    const push = this.evaluate(request);
    this.pending.set(push.id, push);
    return push;
  }

  /**
   * Puts a push in force.
   * @returns it, and what was in force before
   * @throws BadPush when it was not started here
   */
  async finish(id: string, message: string | null): Promise<{ push: Push; before: Deployment | undefined }> {
    const push = this.pending.get(id);
    if (!push) throw new BadPush("the push was not started on this backend, or it was restarted since: deploy again");
    const before = this.current;
    const deployment: Deployment = { ...push.next, deployedAt: new Date().toISOString(), message };
    await this.store.make(deployment.declared.tables);
    await this.store.setFact(FACT, JSON.stringify(deployment));
    this.current = deployment;
    this.pending.delete(id);
    return { push, before };
  }
}
