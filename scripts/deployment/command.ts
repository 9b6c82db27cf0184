/** `gvfx why`: what a failed deploy of a job died of, in one screen. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { JOBS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import { explanation, failedDeployment, type NomadAccess } from "./explain";

export function whyCommand(environment: () => Environment, variables: Readonly<Record<string, string | undefined>> = process.env, write: (text: string) => void = (text) => void process.stdout.write(`${text}\n`)): Command {
  return new Command("why")
    .description("say why the newest deployment of a job failed: version, allocation, events, and the check that had to pass")
    .argument("[job...]", "jobs to look at (default: all)")
    .addHelpText("after", "\nReads NOMAD_TOKEN, and NOMAD_CACERT (PEM file; terraform output -raw nomad-ca, in foundation).\nExit status: 0 when no newest deployment failed, 1 when one did.")
    .action(async (jobs: string[]) => {
      const env = environment();
      const token = variables.NOMAD_TOKEN;
      if (!token) throw new Error("NOMAD_TOKEN is not set, so Nomad would tell nothing; take the reader's: terraform -chdir=cdktf.out/stacks/foundation output -raw reader-token (and NOMAD_CACERT, a file with: output -raw nomad-ca); for the lab: eval \"$(npm run -s gvfx -- lab open --env)\"");
      const nomad: NomadAccess = { address: env.nomad.address, namespace: env.nomad.namespace, token, ...(variables.NOMAD_CACERT ? { ca: readFileSync(variables.NOMAD_CACERT, "utf8") } : {}) };
      const failures = (await Promise.all((jobs.length > 0 ? jobs : Object.values(JOBS)).map((job) => failedDeployment(nomad, job)))).filter((failure) => failure !== undefined);
      for (const failure of failures) write(explanation(failure, (_job, allocation) => `nomad alloc logs -stderr -namespace ${env.nomad.namespace} ${allocation.slice(0, 8)}`));
      if (failures.length > 0) process.exitCode = 1;
      else write("no job's newest deployment failed");
    });
}
