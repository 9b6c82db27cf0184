/** Stacks with nothing but a tailnet in them. */
import { Testing, TerraformStack } from "cdktf";
import { TailscaleProvider } from "../../bindings/tailscale/provider";
import { Tailnet } from "../../constructs/tailnet";
import { hasTailnet, type TailnetEnvironment } from "../../constructs/tailnet/policy";
import { TerraformData } from "../../constructs/state/terraform-data";
import { WitnessDevice } from "../../constructs/tailnet/witness-device";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { staging } from "../../environments/staging";
import type { EnvironmentInput } from "../../environments/schema";

export function tailnetEnvironment(input: EnvironmentInput): TailnetEnvironment {
  const environment = parseEnvironment(input.name, input);
  if (!hasTailnet(environment)) throw new Error(`${input.name} has no tailnet`);
  return environment;
}

type TailnetInput = Extract<EnvironmentInput["tailnet"], { enabled: true }>;

/** Production with other tailnet settings. */
export function productionWith(tailnet: Partial<TailnetInput>, rest: Partial<EnvironmentInput> = {}): TailnetEnvironment {
  return tailnetEnvironment({ ...production, ...rest, tailnet: { ...(production.tailnet as TailnetInput), ...tailnet } });
}

export const PRODUCTION = tailnetEnvironment(production);
export const STAGING = tailnetEnvironment(staging);

export interface Synthesized {
  readonly locals: Record<string, unknown>;
  readonly data: Record<string, Record<string, Record<string, unknown>>>;
  readonly resource: Record<string, Record<string, Record<string, unknown>>>;
}

/** The synthesized stack; `machine` stands for the witness's machine and changes in place with its label. */
export function synthesize(environment: TailnetEnvironment, { baseUrl = "http://127.0.0.1:1", label = "first" } = {}): Synthesized {
  const stack = new TerraformStack(Testing.app(), "foundation");
  new TailscaleProvider(stack, "tailscale", { baseUrl, apiKey: "tskey-api-double", tailnet: environment.tailnet.name });
  const tailnet = new Tailnet(stack, "tailnet", { environment });
  const machine = new TerraformData(stack, "machine", { input: { label }, dependsOn: [tailnet.policy] });
  const witness = new WitnessDevice(stack, "witness", { hostname: environment.witness.name, joinedAfter: tailnet.witnessAuthKeyCreatedAt, machineId: machine.id, dependsOn: [machine] });
  new TerraformData(stack, "certificate", { triggersReplace: { address: witness.address } });
  return JSON.parse(Testing.synth(stack, true)) as Synthesized;
}

/** The only resource or data source of a type. */
export function only(blocks: Record<string, Record<string, Record<string, unknown>>>, type: string): Record<string, unknown> {
  const found = Object.values(blocks[type] ?? {});
  if (found.length !== 1) throw new Error(`${found.length} of ${type}`);
  return found[0];
}
