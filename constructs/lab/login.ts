/** What logs in to the machines of a lab: made by LabStack, used by foundation. */
import type { Construct } from "constructs";
import { FromOtherStack } from "../state/platform-stack";

export interface LabLogin {
  /** Public host keys by machine. */
  readonly hostKeys: Readonly<Record<string, string>>;
  /** OpenSSH private key that every machine admits. Sensitive. */
  readonly sshPrivateKey: string;
}

/** The login as the stack of `scope` may use it. */
export function labLogin(scope: Construct, login: LabLogin): LabLogin {
  return {
    hostKeys: Object.fromEntries(Object.entries(login.hostKeys).map(([machine, key]) => [machine, new FromOtherStack(scope, `host-key-${machine}`, key).expression as string])),
    sshPrivateKey: new FromOtherStack(scope, "lab-ssh-key", login.sshPrivateKey).expression as string,
  };
}
