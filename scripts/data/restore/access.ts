/** How the operator's machine gets at what a restore needs: nodes, the backups' key, the images, Nomad. The lab's own in a lab. */
import { existsSync, readFileSync } from "node:fs";
import { imageReference, parseImageLock, type ImageLock, type ImageRole } from "../../../contracts/images";
import { SECRETS } from "../../../contracts/secrets";
import type { Environment } from "../../../environments/schema";
import { UnexpectedAnswer, Unreachable } from "../../clients/http";
import type { SshTarget } from "../../clients/ssh";
import { withoutCredentials, type Variables } from "../../doctor/credentials";
import { lockFileOf } from "../../images/lock";
import { labAccess } from "../../lab/access";
import { operatorVault } from "../../operator/access";
import { labMachines } from "../../lab/machines";
import { nomadAddresses } from "../../lab/status/clients";
import { nodeMachine } from "../machines";
import { NomadDataJobs, type DataJobs } from "./jobs";
import type { Repository } from "./repository";
import type { RepositorySource } from "./types";

/** Images that a restore runs. */
const ROLES = ["restic", "postgres", "minio", "minioClient"] as const satisfies readonly ImageRole[];

export interface RestoreAccess {
  readonly images: ImageLock;
  /** References of the images that a restore runs. */
  readonly references: readonly string[];
  machine(node: string): SshTarget;
  /** @throws Error that says which secret is missing and where it belongs */
  repository(from: RepositorySource): Promise<Repository>;
  objectstore(): Promise<{ readonly rootUser: string; readonly rootPassword: string }>;
  /** @throws Error when there is no token for Nomad */
  jobs(): DataJobs;
  /** Environment of the ssh program: no credential is in it. */
  readonly sshVariables: Variables;
}

type Read = (path: string) => string;
const read: Read = (path) => readFileSync(path, "utf8");

export function restoreAccess(env: Environment, variables: Variables, readFile: Read = read): RestoreAccess {
  const images = lockOf(env, readFile);
  const secret = (field: string): Promise<string> => secretValue(env, variables, readFile, field);
  return {
    images,
    references: ROLES.map((role) => imageReference(env.images[role], images[role])),
    machine: (node) => nodeMachine(env, node),
    async repository(from) {
      const image = imageReference(env.images.restic, images.restic);
      const key = await secret("BACKUP_KEY");
      if (from.kind === "local") return { image, key, place: { kind: "local", volumesRoot: env.nodes.find(({ name }) => name === from.node)!.volumesRoot } };
      const { s3 } = env.dataPlane.backup;
      if (!s3) throw new Error(`"${env.name}" keeps no second copy of its backups (dataPlane.backup.s3 is not set), so that there is none to restore from; use --from local`);
      return { image, key, place: { kind: "s3", repository: s3.repository, region: s3.region, accessKeyId: await secret("BACKUP_S3_KEY_ID"), secretAccessKey: await secret("BACKUP_S3_SECRET_KEY") } };
    },
    objectstore: async () => ({ rootUser: await secret("MINIO_ROOT_USER"), rootPassword: await secret("MINIO_ROOT_PASSWORD") }),
    jobs: () => new NomadDataJobs(nomadOf(env, variables, readFile)),
    sshVariables: Object.fromEntries(Object.entries(withoutCredentials(variables)).filter(([name]) => !SECRETS.some(({ field }) => field === name))),
  };
}

/** @throws Error that names every image without a digest */
function lockOf({ images, name }: Environment, readFile: Read): ImageLock {
  const file = lockFileOf({ images });
  if (images.lockFile !== undefined && !existsSync(file)) throw new Error(`${file} is not there: the images of "${name}" are not known, and a restore runs Postgres, MinIO and restic of them; for a lab: npm run lab`);
  const lock = parseImageLock(JSON.parse(readFile(file)));
  const unpinned = ROLES.filter((role) => lock[role].digest === null);
  if (unpinned.length > 0) throw new Error(`${file} has no digest of ${unpinned.join(", ")}, so that nobody knows which programs are to read the backups; write the digests that the backups were made with (the file's history has them)`);
  return lock;
}

/**
 * A secret of the catalog: from a variable of its name, for the day on which Vault is gone too, otherwise from Vault.
 * @throws Error that says where it belongs
 */
async function secretValue(env: Environment, variables: Variables, readFile: Read, field: string): Promise<string> {
  const given = variables[field]?.trim();
  if (given) return given;
  const home = SECRETS.find((candidate) => candidate.field === field);
  if (!home) throw new Error(`there is no secret ${field}: add it to contracts/secrets.ts`);
  const place = `${env.vault.kvMount}/${home.path}`;
  const otherwise = `or export ${field} from your own copy`;
  try {
    const value = (await operatorVault(env, variables, readFile, `so that Vault does not show ${field}; export ${field} from your own copy, or a token that may read it`).readSecret(env.vault.kvMount, home.path))?.fields[field];
    if (!value) throw new Error(`Vault has no ${field} in ${place} (${home.purpose}); write it there, ${otherwise}`);
    return value;
  } catch (error) {
    if (error instanceof UnexpectedAnswer && error.status === 403) throw new Error(`the token in VAULT_TOKEN may not read ${place}, where ${field} is (${home.purpose}); use one that may, ${otherwise}`);
    if (error instanceof Unreachable) throw new Error(`Vault does not answer (${error.message}), and has ${field} (${home.purpose}); mend Vault, ${otherwise}`);
    throw error;
  }
}

function nomadOf(env: Environment, variables: Variables, readFile: Read) {
  const { namespace } = env.nomad;
  if (env.lab) {
    const { nomad } = labAccess(env);
    if (!nomad) throw new Error("foundation is not deployed in the lab, so that it has no Nomad; start it with: npm run lab");
    return { addresses: nomadAddresses(labMachines(env, env.lab)), namespace, token: nomad.token, transport: { ca: nomad.caPem } };
  }
  const token = variables.NOMAD_TOKEN?.trim();
  if (!token) throw new Error("NOMAD_TOKEN is not set, so that Nomad neither stops nor starts the data plane's jobs; export the operator's (terraform -chdir=cdktf.out/stacks/foundation output -raw operator-token), and NOMAD_CACERT (a file with: output -raw nomad-ca)");
  return { addresses: [env.nomad.address], namespace, token, transport: variables.NOMAD_CACERT ? { ca: readFile(variables.NOMAD_CACERT) } : {} };
}
