/** Brings every node to its bundle, without ever taking the cluster's quorum. */
import { Fn, TerraformLocal, type FileProvisioner, type ITerraformDependable, type RemoteExecProvisioner, type SSHProvisionerConnection } from "cdktf";
import { Construct } from "constructs";
import type { Environment } from "../../environments/schema";
import { APPLY_BODY, applyHead, applySettings, type ApplyMode } from "./apply/script";
import { assertPlain, bundleText, nodeBundle, type NodeSecrets } from "./bundle";
import { TerraformData } from "../state/terraform-data";
import { rolloutOrder, type ClusterNode } from "./node";
import { STAGING } from "./paths";
import { sshConnection } from "./ssh";

export interface NodeRolloutProps {
  readonly env: Environment;
  readonly nodes: readonly ClusterNode[];
  /** Certificates, keys and tokens of a node. */
  readonly secrets: (node: ClusterNode) => NodeSecrets;
  /** Private key that logs in to every node. @default the SSH agent of whoever deploys */
  readonly sshPrivateKey?: string;
  /** What a node needs before it can take its bundle. @default none */
  readonly dependsOn?: ITerraformDependable[];
}

/** What is the same for both steps of a node. */
interface Delivery {
  readonly node: ClusterNode;
  readonly script: TerraformLocal;
  readonly settings: TerraformLocal;
  readonly bundle: TerraformLocal;
  readonly connection: (scriptPath: string) => SSHProvisionerConnection;
}

/**
 * Two steps a node. First every node whose server does not run is started, all
 * at once: starting a server cannot cost a quorum, and three that wait for each
 * other would never elect a leader. Then the running ones take the change one
 * after the other, each with a healthy cluster before and after.
 *
 * A step runs again when what it delivers changes. The state holds a hash of
 * that, never the content.
 */
export class NodeRollout extends Construct {
  /** Everything here is done: three voters, a leader, stable. What asks Nomad depends on it. */
  readonly quorum: ITerraformDependable;

  constructor(scope: Construct, id: string, props: NodeRolloutProps) {
    super(scope, id);
    assertPlain("the apply script", APPLY_BODY);
    const script = new TerraformLocal(this, "script", APPLY_BODY);
    const deliveries = props.nodes.map((node) => this.delivery(node, script, props));

    const starts = deliveries.map((delivery) => this.step("start", delivery, props.dependsOn ?? []));
    const turns: TerraformData[] = [];
    for (const { name } of rolloutOrder(props.nodes)) {
      const before = turns.at(-1);
      turns.push(this.step("turn", deliveries.find((d) => d.node.name === name)!, before ? [before] : starts));
    }
    this.quorum = turns.at(-1)!;
  }

  private delivery(node: ClusterNode, script: TerraformLocal, { env, nodes, secrets, sshPrivateKey }: NodeRolloutProps): Delivery {
    const settings = applySettings(env, node, nodes);
    assertPlain(`the settings of ${node.name}`, settings);
    return {
      node,
      script,
      settings: new TerraformLocal(this, `settings-${node.name}`, settings),
      bundle: new TerraformLocal(this, `bundle-${node.name}`, bundleText(nodeBundle(env, node, nodes, secrets(node)))),
      connection: (scriptPath) => sshConnection(node, { scriptPath, ...(sshPrivateKey === undefined ? {} : { privateKey: sshPrivateKey }) }),
    };
  }

  private step(mode: ApplyMode, { node, script, settings, bundle, connection }: Delivery, dependsOn: ITerraformDependable[]): TerraformData {
    const inFolder = connection(`./${STAGING}/apply-%RAND%.sh`);
    // Its own script cannot lie in the folder yet. It begins with "./" because a bare name would be looked for on the PATH.
    const folder: RemoteExecProvisioner = {
      type: "remote-exec",
      inline: [`#!/bin/sh\numask 077; rm -rf ${STAGING}; mkdir ${STAGING}`],
      connection: connection(`./${STAGING}-folder-%RAND%.sh`),
    };
    const delivery: FileProvisioner = { type: "file", content: bundle.asString, destination: `${STAGING}/bundle`, connection: inFolder };
    const apply: RemoteExecProvisioner = { type: "remote-exec", inline: [applyHead(mode), settings.asString, script.asString], connection: inFolder };

    return new TerraformData(this, `${mode}-${node.name}`, {
      triggersReplace: {
        // The hash of keys that are random reveals nothing of them, and a plan has to show that it changed.
        bundle: Fn.nonsensitive(Fn.sha256(bundle.asString)),
        settings: Fn.sha256(settings.asString),
        script: Fn.sha256(script.asString),
      },
      provisioners: [folder, delivery, apply],
      dependsOn,
    });
  }
}
