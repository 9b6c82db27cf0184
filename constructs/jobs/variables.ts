/** The market catalog and each service's tuning as Nomad variables. */
import { Variable } from "@cdktf/provider-nomad/lib/variable";
import { Construct } from "constructs";
import { MARKET_VARIABLE, TUNED_SERVICES, tuningVariable } from "../../contracts/variables";
import type { Environment } from "../../environments/schema";
import { marketVariableItems, tuningValues } from "./app-environment";

export class AppVariables extends Construct {
  /** For dependsOn: a template that reads a missing variable blocks its task. */
  readonly resources: Variable[];

  constructor(scope: Construct, id: string, props: { readonly environment: Environment }) {
    super(scope, id);
    const { environment } = props;
    const namespace = environment.nomad.namespace;
    const market = new Variable(this, "market", { namespace, path: MARKET_VARIABLE, items: marketVariableItems(environment) });
    const tuning = TUNED_SERVICES.flatMap((service) => {
      const items = tuningValues(environment, service);
      // Nomad refuses an empty variable, and no template reads it then.
      return Object.keys(items).length === 0 ? [] : [new Variable(this, `tuning-${service}`, { namespace, path: tuningVariable(service), items })];
    });
    this.resources = [market, ...tuning];
  }
}
