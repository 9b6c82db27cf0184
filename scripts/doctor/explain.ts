/** Turns the errors of clients into outcomes: what nobody answered is failed, what could not be asked is inconclusive. */
import { ZodError } from "zod";
import { UnexpectedAnswer, Unreachable } from "../clients/http";
import { fail, inconclusive, type Outcome } from "./check";

export interface Service {
  /** Name, for sentences. */
  readonly name: string;
  readonly address: string;
  /** It is where everybody finds it: no field of the environment file says where. @default false */
  readonly public?: boolean;
  /** Environment variable that names the authority's PEM file, where there is one. */
  readonly caVariable?: string;
  /** That variable is set. */
  readonly caGiven?: boolean;
  /** How to look at it oneself. */
  readonly look: string;
}

/**
 * Runs a check of a service.
 * @param after the check that says whether the service answers at all; left out for that one itself
 */
export async function ask(service: Service, question: () => Promise<Outcome>, after?: string): Promise<Outcome> {
  try {
    return await question();
  } catch (error) {
    if (after !== undefined && error instanceof Unreachable && error.reason !== "interrupted") return inconclusive(`not looked at: ${service.name} does not answer`, `Mend ${after} first`);
    return explained(service, error);
  }
}

function explained(service: Service, error: unknown): Outcome {
  const { name, address, look } = service;
  const hostname = new URL(address).hostname;
  const correct = service.public ? "" : `Correct ${address} in the environment file, or `;
  if (error instanceof UnexpectedAnswer) return inconclusive(error.message, `Look at it: ${look}; whatever answers at ${address} may be no ${name}`);
  if (error instanceof ZodError) return inconclusive(`${name} answered in a form that is not known`, `Look at it: ${look}; whatever answers at ${address} may be no ${name}, or a version that this command does not know`);
  if (!(error instanceof Unreachable)) throw error;
  switch (error.reason) {
    case "interrupted":
      return inconclusive("no answer before the end of this run", "Run gvfx doctor again");
    case "untrusted":
      return untrusted(service, error);
    case "not-tls":
      return fail(`${error.message}: no TLS is spoken there`, `Correct the scheme of ${address} in the environment file, or turn on TLS in ${name}`);
    case "client-certificate":
      return inconclusive(`${name} demands a certificate of its clients`, `In ${name}'s configuration let HTTP clients in without one (tokens guard it): Terraform and the cluster have none either`);
    case "name":
      return service.public ? notFromHere(service, error) : fail(error.message, `${correct}make this machine resolve the name: getent hosts ${hostname}`);
    case "timeout":
    case "unrouted":
      return service.public ? notFromHere(service, error) : fail(error.message, `Join this machine to the tailnet (tailscale status), see that its policy lets you reach ${address}, then: ${look}`);
    default:
      return service.public ? notFromHere(service, error) : fail(error.message, `${correct}start ${name}; then: ${look}`);
  }
}

/** That this machine does not get to the internet says nothing of what is there. */
function notFromHere({ look }: Service, error: Unreachable): Outcome {
  return inconclusive(error.message, `Give this machine a way to the internet, then: ${look}`);
}

function untrusted({ name, address, caVariable, caGiven }: Service, error: Unreachable): Outcome {
  if (caVariable && !caGiven) return inconclusive(`${error.message}: this machine does not know the authority`, `export ${caVariable}=<PEM file of the authority that signed ${name}'s certificate>`);
  const authority = caVariable ? `the file in ${caVariable} must hold the authority that signed it` : "see that nobody is in between";
  return fail(`${error.message}: Terraform and the nodes would refuse it too`, `Give ${name} a certificate that is valid for ${new URL(address).hostname}; ${authority}`);
}
