/** HCP Terraform's API (Terraform Enterprise speaks it too), as far as `gvfx hcp init` asks it: paths and names are those of HashiCorp's own client, go-tfe v1.109.0. */
import { z } from "zod";
import { json, request, UnexpectedAnswer, type TransportOptions } from "../clients/http";

const idSchema = z.object({ id: z.string() });
const nextSchema = z.object({ meta: z.object({ pagination: z.object({ "next-page": z.number().nullable() }) }).optional() });
const workspaceSchema = z.object({ data: idSchema.extend({ attributes: z.record(z.string(), z.unknown()), relationships: z.record(z.string(), z.object({ data: z.union([idSchema, z.array(idSchema), z.null()]).optional() })).default({}) }) });
const namedSchema = z.object({ data: z.array(idSchema.extend({ attributes: z.object({ name: z.string() }) })) });
const idsSchema = z.object({ data: z.array(idSchema) });
const variablesSchema = z.object({ data: z.array(idSchema.extend({ attributes: z.object({ key: z.string(), category: z.string() }) })) });
const triggersSchema = z.object({ data: z.array(idSchema.extend({ relationships: z.object({ sourceable: z.object({ data: idSchema }) }) })) });

export interface Workspace {
  readonly id: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly projectId: string | undefined;
  readonly agentPoolId: string | undefined;
}

export interface RunTrigger {
  readonly id: string;
  /** Workspace whose apply makes a run. */
  readonly sourceId: string;
}

/** JSON:API's own type of contents. */
const CONTENT_TYPE = "application/vnd.api+json";

export class HcpClient {
  /** @param address "https://app.terraform.io" */
  constructor(private readonly address: string, private readonly organization: string, private readonly token: string, private readonly transport: TransportOptions = {}) {}

  async project(name: string): Promise<string | undefined> {
    return this.named(`/organizations/${this.organization}/projects?filter%5Bnames%5D=${encodeURIComponent(name)}`, name);
  }

  async createProject(name: string): Promise<string> {
    return this.created(`/organizations/${this.organization}/projects`, { type: "projects", attributes: { name } });
  }

  async agentPool(name: string): Promise<string | undefined> {
    return this.named(`/organizations/${this.organization}/agent-pools?q=${encodeURIComponent(name)}`, name);
  }

  async workspace(name: string): Promise<Workspace | undefined> {
    const answer = await this.send("GET", `/organizations/${this.organization}/workspaces/${encodeURIComponent(name)}`, undefined, [200, 404]);
    if (answer === undefined) return undefined;
    const { data } = workspaceSchema.parse(answer);
    const related = (relation: string): string | undefined => {
      const to = data.relationships[relation]?.data;
      return to && !Array.isArray(to) ? to.id : undefined;
    };
    return { id: data.id, attributes: data.attributes, projectId: related("project"), agentPoolId: related("agent-pool") ?? (typeof data.attributes["agent-pool-id"] === "string" ? data.attributes["agent-pool-id"] : undefined) };
  }

  async createWorkspace(attributes: object, projectId: string): Promise<string> {
    return this.created(`/organizations/${this.organization}/workspaces`, { type: "workspaces", attributes, relationships: project(projectId) });
  }

  async updateWorkspace(id: string, attributes: object, projectId: string): Promise<void> {
    await this.send("PATCH", `/workspaces/${id}`, { data: { type: "workspaces", attributes, relationships: project(projectId) } }, [200]);
  }

  /** Ids of workspaces that may read its state. */
  async stateReaders(id: string): Promise<string[]> {
    return (await this.all(`/workspaces/${id}/relationships/remote-state-consumers`, (answer) => idsSchema.parse(answer).data)).map((reader) => reader.id);
  }

  /** Lets workspaces read its state besides those that may. */
  async addStateReaders(id: string, readers: readonly string[]): Promise<void> {
    await this.send("POST", `/workspaces/${id}/relationships/remote-state-consumers`, consumers(readers), [204]);
  }

  async removeStateReaders(id: string, readers: readonly string[]): Promise<void> {
    await this.send("DELETE", `/workspaces/${id}/relationships/remote-state-consumers`, consumers(readers), [204]);
  }

  async triggers(id: string): Promise<RunTrigger[]> {
    return (await this.all(`/workspaces/${id}/run-triggers?filter%5Brun-trigger%5D%5Btype%5D=inbound`, (answer) => triggersSchema.parse(answer).data)).map((trigger) => ({ id: trigger.id, sourceId: trigger.relationships.sourceable.data.id }));
  }

  async createTrigger(id: string, sourceId: string): Promise<void> {
    await this.send("POST", `/workspaces/${id}/run-triggers`, { data: { relationships: { sourceable: { data: { id: sourceId, type: "workspaces" } } } } }, [201]);
  }

  async removeTrigger(triggerId: string): Promise<void> {
    await this.send("DELETE", `/run-triggers/${triggerId}`, undefined, [204]);
  }

  /** Keys of environment variables that a workspace has. Values of sensitive ones are never given. */
  async variables(id: string): Promise<string[]> {
    return (await this.all(`/workspaces/${id}/vars`, (answer) => variablesSchema.parse(answer).data)).filter(({ attributes }) => attributes.category === "env").map(({ attributes }) => attributes.key);
  }

  /** A sensitive variable of the environment of its runs: nobody can read it again. */
  async createVariable(id: string, key: string, value: string, description: string): Promise<void> {
    await this.send("POST", `/workspaces/${id}/vars`, { data: { type: "vars", attributes: { key, value, description, category: "env", hcl: false, sensitive: true } } }, [201]);
  }

  private async named(path: string, name: string): Promise<string | undefined> {
    return (await this.all(path, (answer) => namedSchema.parse(answer).data)).find(({ attributes }) => attributes.name === name)?.id;
  }

  private async created(path: string, data: object): Promise<string> {
    return z.object({ data: idSchema }).parse(await this.send("POST", path, { data }, [201])).data.id;
  }

  /** Every page of a list. */
  private async all<T>(path: string, read: (answer: unknown) => readonly T[]): Promise<T[]> {
    const found: T[] = [];
    for (let page: number | null = 1; page !== null; ) {
      const answer = await this.send("GET", `${path}${path.includes("?") ? "&" : "?"}page%5Bsize%5D=100&page%5Bnumber%5D=${page}`, undefined, [200]);
      found.push(...read(answer));
      page = nextSchema.parse(answer).meta?.pagination["next-page"] ?? null;
    }
    return found;
  }

  /** @returns the body; undefined for 204 and for an accepted 404 */
  private async send(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body: object | undefined, accepted: readonly number[]): Promise<unknown> {
    const what = `HCP Terraform's ${method} ${path.replace(/\?.*/, "")}`;
    const answer = await request(`${this.address}/api/v2${path}`, { ...this.transport, method, headers: { authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { "content-type": CONTENT_TYPE }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!accepted.includes(answer.status)) throw new UnexpectedAnswer(answer.status, what);
    return answer.status === 204 || answer.status === 404 ? undefined : json(answer, what);
  }
}

const consumers = (ids: readonly string[]): object => ({ data: ids.map((id) => ({ id, type: "workspaces" })) });
const project = (id: string): object => ({ project: { data: { id, type: "projects" } } });
