/** The keys that say who owns the worker, where traffic goes and whether the sections are open. */
import { DataConsulKeys } from "@cdktf/provider-consul/lib/data-consul-keys";
import { Keys } from "@cdktf/provider-consul/lib/keys";
import { Construct } from "constructs";
import { kvPaths } from "../../contracts/kv";

/** Until the cutover says otherwise, everything is as it was before Nomad. */
const INITIAL = { workerOwner: "legacy", traffic: "legacy", sections: "closed" } as const;

/**
 * Created with initial values and ignored afterwards: run time changes them by
 * check-and-set, so no apply ever undoes a roll-back. A key that exists already
 * (the state was lost, say) is taken over with the value that it has.
 */
export class CutoverSwitches extends Construct {
  /** For dependsOn. */
  readonly keys: Keys;

  constructor(scope: Construct, id: string, props: { readonly namespace: string; readonly protect: boolean }) {
    super(scope, id);
    const paths = kvPaths(props.namespace);
    const names = Object.keys(INITIAL) as (keyof typeof INITIAL)[];
    const present = new DataConsulKeys(this, "present", { key: names.map((name) => ({ name, path: paths[name], default: INITIAL[name] })) });
    this.keys = new Keys(this, "keys", {
      key: names.map((name) => ({ path: paths[name], value: `\${${present.fqn}.var["${name}"]}`, delete: true })),
      lifecycle: { ignoreChanges: ["key"], preventDestroy: props.protect },
    });
  }
}
