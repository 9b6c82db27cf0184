/** Vault does not answer, or is sealed. */
import type { Environment } from "../../environments/schema";
import type { Runbook } from "./runbook";

export function vaultSealed(env: Environment, gvfx: string): Runbook {
  const addresses = env.vault.servers.map((server) => `https://${server}:${new URL(env.vault.address).port || "8200"}`);
  return {
    name: "vault-sealed",
    title: "Vault is sealed",
    intro: [
      "What runs goes on with the secrets it has: no task is restarted (docs/lab.md has the measured outage). What starts anew waits for its secrets and is pending until Vault answers: a new version, an allocation that is moved, the backup's next run. So a node that is lost meanwhile is not replaced, and neither is its worker: the standby has its secrets already and takes over, a third one would not start.",
    ],
    steps: [
      {
        title: "which servers are sealed",
        proves: "it is Vault, and not the way to it",
        normal: "every server answers Sealed false, and one is active",
        look: addresses.map((address) => `vault status -address ${address}`),
        otherwise: ["a server that does not answer: start it", "a certificate that is refused: VAULT_CACERT, and its expiry"],
      },
      {
        title: "each is unsealed",
        proves: "secrets are read again",
        normal: "Sealed false after as many keys as the threshold says",
        look: addresses.map((address) => `vault operator unseal -address ${address}`),
        otherwise: ["keys are asked for and not echoed: never give one as an argument, which the shell's history keeps", "with auto-unseal: mend the way to its key service, and start Vault again"],
      },
      {
        title: "what waited has started",
        proves: "nothing is pending for want of a secret",
        normal: "no failed deployment, no pending allocation, one worker, a backup in time",
        look: [`${gvfx} why`, "nomad job status", `${gvfx} lease status`, `${gvfx} data backups`],
        otherwise: ["an allocation that waits still: nomad alloc status, and the template's error in it; nomad alloc stop starts it anew"],
      },
    ],
  };
}
