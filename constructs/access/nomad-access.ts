/** The platform's namespace in Nomad, how the scheduler behaves, and who may do what. */
import { AclPolicy } from "@cdktf/provider-nomad/lib/acl-policy";
import { AclRole } from "@cdktf/provider-nomad/lib/acl-role";
import { AclToken } from "@cdktf/provider-nomad/lib/acl-token";
import { Namespace } from "@cdktf/provider-nomad/lib/namespace";
import { SchedulerConfig } from "@cdktf/provider-nomad/lib/scheduler-config";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { NOMAD_ROLES, nomadRole, type NomadRole } from "../../contracts/identity";
import { APP_SERVICE_JOB, JOBS } from "../../contracts/services";
import { TUNED_SERVICES } from "../../contracts/variables";
import { backupJobRules, deployerRules, guardianJobRules, guardianRules, operatorRules, nomadPolicyText, readerRules, variableReaderRules, type NomadRules } from "./nomad-rules";

export interface NomadAccessProps {
  /** Name of the platform's namespace. */
  readonly namespace: string;
  /** Refuse to destroy the namespace. */
  readonly protect: boolean;
  /** What must be there before Nomad can be asked: its ACL bootstrap. @default none */
  readonly dependsOn?: ITerraformDependable[];
}

const ROLES: Readonly<Record<NomadRole, { readonly rules: (namespace: string) => NomadRules; readonly description: string }>> = {
  deployer: { rules: deployerRules, description: "Deploys jobs, their host volumes and variables" },
  operator: { rules: operatorRules, description: "Day two: deploys, drains, reads logs, restarts, takes snapshots" },
  reader: { rules: readerRules, description: "Reads and plans; submits nothing" },
  guardian: { rules: guardianRules, description: "Watches a cutover and writes its ledger" },
};

export class NomadAccess extends Construct {
  readonly namespace: Namespace;
  /** Client tokens. Their secret ids are in the state of this stack: docs/decisions lists them. */
  readonly tokens: Readonly<Record<NomadRole, AclToken>>;

  constructor(scope: Construct, id: string, props: NomadAccessProps) {
    super(scope, id);
    const { dependsOn } = props;

    this.namespace = new Namespace(this, "namespace", {
      name: props.namespace,
      description: "tv-goldviewfx",
      // Containers only: exec and raw_exec would run on the node that holds the keys.
      capabilities: { enabledTaskDrivers: ["docker"] },
      lifecycle: { preventDestroy: props.protect },
      dependsOn,
    });

    new SchedulerConfig(this, "scheduler", {
      // Two app nodes: losing one should take as little as possible with it.
      schedulerAlgorithm: "spread",
      // Tasks with memory_max may use memory that happens to be free.
      memoryOversubscriptionEnabled: true,
      // A preempted allocation has no follower that waits for it, so a preempted worker would run beside its replacement. On for system jobs by default.
      preemptionConfig: { service_scheduler_enabled: false, batch_scheduler_enabled: false, system_scheduler_enabled: false, sysbatch_scheduler_enabled: false },
      dependsOn,
    });

    this.tokens = Object.fromEntries(NOMAD_ROLES.map((role) => [role, this.holder(role, props)])) as Record<NomadRole, AclToken>;

    for (const service of TUNED_SERVICES) {
      const jobId = APP_SERVICE_JOB[service];
      new AclPolicy(this, `variables-${service}`, {
        name: `${props.namespace}-variables-${service}`,
        description: `Nomad variables that ${jobId} reads`,
        rulesHcl: nomadPolicyText(variableReaderRules(props.namespace, service)),
        // For the workload identities of this one job; no token carries it.
        jobAcl: { namespace: props.namespace, jobId },
        dependsOn: [this.namespace],
      });
    }

    new AclPolicy(this, "ledger-guardian", {
      name: `${props.namespace}-ledger-guardian`,
      description: `Ledger entries of ${JOBS.guardian}, and evaluations of system jobs`,
      rulesHcl: nomadPolicyText(guardianJobRules(props.namespace)),
      jobAcl: { namespace: props.namespace, jobId: JOBS.guardian },
      dependsOn: [this.namespace],
    });

    new AclPolicy(this, "status-backup", {
      name: `${props.namespace}-status-backup`,
      description: `Outcome of ${JOBS.backup}, and snapshots of Nomad`,
      rulesHcl: nomadPolicyText(backupJobRules(props.namespace)),
      jobAcl: { namespace: props.namespace, jobId: JOBS.backup },
      dependsOn: [this.namespace],
    });
  }

  private holder(role: NomadRole, { namespace, dependsOn }: NomadAccessProps): AclToken {
    const { rules, description } = ROLES[role];
    const name = nomadRole(namespace, role);
    const policy = new AclPolicy(this, `policy-${role}`, { name, description, rulesHcl: nomadPolicyText(rules(namespace)), dependsOn });
    const aclRole = new AclRole(this, `role-${role}`, { name, description, policy: [{ name: policy.name }] });
    // Without expiry: Nomad's servers refuse one beyond 24 h, and a deploy or a guardian that fails at night because
    // its token ended is worse than a token that is replaced on purpose (terraform apply -replace).
    return new AclToken(this, `token-${role}`, { name, type: "client", role: [{ id: aclRole.id }] });
  }
}
