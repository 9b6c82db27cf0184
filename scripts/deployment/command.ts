/** `gvfx why`: what a failed deploy of a job died of, in one screen. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { JOBS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import { labAccess } from "../lab/access";
import { deadAllocations, deathText } from "./dead";
import { explanation, failedDeployment, type NomadAccess } from "./explain";

export function whyCommand(environment: () => Environment, variables: Readonly<Record<string, string | undefined>> = process.env, write: (text: string) => void = (text) => void process.stdout.write(`${text}\n`)): Command {
  return new Command("why")
    .description("say why the newest deployment of a job failed: version, allocation, events, and the check that had to pass; and which system job stays dead on a node")
    .argument("[job...]", "jobs to look at (default: all)")
    .addHelpText("after", "\nReads NOMAD_TOKEN, and NOMAD_CACERT (PEM file; terraform output -raw nomad-ca, in foundation); the lab needs neither.\nExit status: 0 when no newest deployment failed and no system job is dead, 1 when one is.")
    .action(async (jobs: string[]) => {
      const env = environment();
      const nomad = accessOf(env, variables);
      const asked = jobs.length > 0 ? jobs : Object.values(JOBS);
      const [deployments, deaths] = await Promise.all([Promise.all(asked.map((job) => failedDeployment(nomad, job))), Promise.all(asked.map((job) => deadAllocations(nomad, job)))]);
      const failures = deployments.filter((failure) => failure !== undefined);
      const dead = deaths.flat();
      for (const failure of failures) write(explanation(failure, (job, allocation) => env.lab ? `npm run gvfx -- lab logs ${job}` : `nomad alloc logs -stderr -namespace ${env.nomad.namespace} ${allocation.slice(0, 8)}`));
      for (const death of dead) write(deathText(death, env.nomad.namespace));
      if (failures.length + dead.length > 0) process.exitCode = 1;
      else write("no job's newest deployment failed, and no system job is dead");
    });
}

/** @throws Error that names the variable, or that the lab is not up */
function accessOf(env: Environment, variables: Readonly<Record<string, string | undefined>>): NomadAccess {
  const { namespace } = env.nomad;
  if (env.lab) {
    const { nomad } = labAccess(env);
    if (!nomad) throw new Error("the lab has no Nomad yet; start it with: npm run lab");
    return { address: nomad.address, namespace, token: nomad.token, ca: nomad.caPem };
  }
  const token = variables.NOMAD_TOKEN;
  if (!token) throw new Error("NOMAD_TOKEN is not set, so Nomad would tell nothing; take the reader's: terraform -chdir=cdktf.out/stacks/foundation output -raw reader-token (and NOMAD_CACERT, a file with: output -raw nomad-ca); of the lab: GVFX_ENV=lab npm run gvfx -- why");
  return { address: env.nomad.address, namespace, token, ...(variables.NOMAD_CACERT ? { ca: readFileSync(variables.NOMAD_CACERT, "utf8") } : {}) };
}
