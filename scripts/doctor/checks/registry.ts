/** Checks of the image registry, from this machine; the nodes' own credentials are checks of the nodes. */
import type { Environment } from "../../../environments/schema";
import type { PullVerdict } from "../../clients/registry";
import { fail, inconclusive, pass, type Check, type Outcome } from "../check";
import type { DoctorContext } from "../context";
import { ask, type Service } from "../explain";

const CREDENTIALS = "REGISTRY_USERNAME, REGISTRY_PASSWORD";

export function registryChecks(env: Environment): Check[] {
  const { host, credentials } = env.images.registry;
  const service = ({ credentials: { registryCa } }: DoctorContext): Service => ({ name: "the registry", address: `https://${host}`, caVariable: "REGISTRY_CACERT", caGiven: registryCa !== undefined, look: `curl -i https://${host}/v2/` });
  const check = (id: string, title: string, run: (context: DoctorContext) => Promise<Outcome>, needs: readonly string[]): Check => ({ id: `registry.${id}`, target: "Registry", title, needs, run: (context) => ask(service(context), () => run(context), id === "answers" ? undefined : "registry.answers") });
  return [
    check("answers", "answers", answers, [host]),
    check("pull", "images may be pulled", pull, [host, ...(credentials.delivery === "none" ? [] : [CREDENTIALS])]),
  ];
}

/** Repositories of the app on this registry, named without its host. */
export function ownRepositories({ images }: Pick<Environment, "images">): string[] {
  const prefix = `${images.registry.host}/`;
  return [images.backend, images.frontend, images.rlService].filter((repository) => repository.startsWith(prefix)).map((repository) => repository.slice(prefix.length));
}

async function answers({ env, registry, credentials: { registryCa } }: DoctorContext): Promise<Outcome> {
  const { host, credentials } = env.images.registry;
  const { scheme, open } = await registry.state();
  if (scheme === "http" && credentials.delivery !== "none") return fail("speaks plain HTTP: the nodes would send it their password in the clear", `Give the registry TLS, or make it an open one (images.registry.credentials.delivery "none")`);
  const authority = registryCa === undefined ? "" : ` (each node's engine needs the same authority in /etc/docker/certs.d/${host}/ca.crt)`;
  const way = scheme === "http" ? "plain HTTP (each node's engine must be told so)" : `TLS${authority}`;
  return pass(`${host}, ${way}, ${open ? "open" : "asks for credentials"}`);
}

async function pull({ env, registry, credentials }: DoctorContext): Promise<Outcome> {
  const { host, credentials: delivery } = env.images.registry;
  const repositories = ownRepositories(env);
  if (repositories.length === 0) return pass(`none of the app's images is on ${host}`);
  if (delivery.delivery !== "none" && !credentials.registry) return inconclusive(`not looked at: ${CREDENTIALS} are not set`, "export REGISTRY_USERNAME=<name> REGISTRY_PASSWORD=<password>, those that the nodes have");
  const verdicts = await Promise.all(repositories.map(async (repository) => ({ repository, verdict: await registry.pull(repository) })));
  return pullOutcome(host, delivery.delivery === "none", verdicts);
}

export function pullOutcome(host: string, open: boolean, verdicts: readonly { readonly repository: string; readonly verdict: PullVerdict }[]): Outcome {
  const of = (verdict: PullVerdict): string => verdicts.filter((v) => v.verdict === verdict).map((v) => v.repository).join(", ");
  const refused = of("refused");
  if (refused && open) return fail(`${host} asks for credentials to pull ${refused}, and the environment says that none are needed`, 'Set images.registry.credentials in the environment file to how the nodes get them ("node-file" or "credential-helper")');
  if (refused) return fail(`${host} does not let these credentials pull ${refused}`, `docker login ${host}; give the account the right to pull`);
  const absent = of("no-such-repository");
  if (absent) return inconclusive(`${host} has no ${absent} yet`, `Build and push the images: docker push ${host}/${absent.split(", ")[0]}:<tag>`);
  return pass(verdicts.map((v) => v.repository).join(", "));
}
