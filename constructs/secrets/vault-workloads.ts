/**
 * Vault for Nomad workloads: a KV mount, a login for workload identities, and for
 * each job that reads secrets one role and one policy of its own. As `nomad setup
 * vault` does it, but bound to a job instead of to whoever runs in the cluster.
 */
import { JwtAuthBackend } from "@cdktf/provider-vault/lib/jwt-auth-backend";
import { JwtAuthBackendRole } from "@cdktf/provider-vault/lib/jwt-auth-backend-role";
import { Mount } from "@cdktf/provider-vault/lib/mount";
import { Policy } from "@cdktf/provider-vault/lib/policy";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { nomadJwksUrl, VAULT_AUDIENCE, vaultOperatorPolicy, vaultRole } from "../../contracts/identity";
import type { JobName } from "../../contracts/services";
import type { Duration } from "../../contracts/units";
import { jobRules, jobsWithSecrets, operatorRules, vaultPolicyText } from "./vault-rules";

export interface VaultWorkloadsProps {
  /** Nomad namespace of the jobs. */
  readonly namespace: string;
  /** Path of the KV version 2 mount that holds the platform's secrets. */
  readonly kvMount: string;
  /** Path of the JWT auth method. */
  readonly authPath: string;
  /** Life of a task's token between renewals; Nomad renews it. */
  readonly tokenPeriod: Duration;
  /** Whether the backup may take snapshots of Vault's integrated storage. */
  readonly raftSnapshots: boolean;
  /** Refuse to destroy the mount and the login: the one holds every secret, the other every running task's token. */
  readonly protect: boolean;
  /** DNS domain of Consul, for the default of `jwksUrl`. */
  readonly consulDomain: string;
  /** PEM of the authority that signed the certificates of Nomad's API. @default the system's authorities */
  readonly jwksCaPem?: string;
  /** Where Vault fetches Nomad's signing keys. Fetched when the auth method is written, so Nomad must answer then. @default the name of every healthy Nomad server */
  readonly jwksUrl?: string;
  /** What must be there before: Nomad's servers. @default none */
  readonly dependsOn?: ITerraformDependable[];
}

export class VaultWorkloads extends Construct {
  readonly mount: Mount;

  constructor(scope: Construct, id: string, props: VaultWorkloadsProps) {
    super(scope, id);
    const lifecycle = { preventDestroy: props.protect };

    this.mount = new Mount(this, "kv", {
      path: props.kvMount,
      type: "kv",
      options: { version: "2" },
      description: "Secrets of tv-goldviewfx",
      lifecycle,
    });

    const login = new JwtAuthBackend(this, "login", {
      path: props.authPath,
      type: "jwt",
      description: "Workload identities of Nomad",
      jwksUrl: props.jwksUrl ?? nomadJwksUrl(props.consulDomain),
      jwksCaPem: props.jwksCaPem,
      jwtSupportedAlgs: ["RS256", "EdDSA"],
      // No default_role: a task that names none gets no token, instead of somebody else's.
      lifecycle,
      dependsOn: props.dependsOn,
    });

    for (const job of jobsWithSecrets()) this.grant(login, job, props);

    new Policy(this, "operator", { name: vaultOperatorPolicy(props.namespace), policy: vaultPolicyText(operatorRules(props.kvMount)) });
  }

  private grant(login: JwtAuthBackend, job: JobName, props: VaultWorkloadsProps): void {
    const roleName = vaultRole(props.namespace, job);
    const policy = new Policy(this, `policy-${job}`, { name: roleName, policy: vaultPolicyText(jobRules(props.kvMount, job, props)) });
    new JwtAuthBackendRole(this, `role-${job}`, {
      backend: login.path,
      roleName,
      roleType: "jwt",
      boundAudiences: [VAULT_AUDIENCE],
      boundClaims: { nomad_namespace: props.namespace, nomad_job_id: job },
      boundClaimsType: "string",
      userClaim: "/nomad_job_id",
      userClaimJsonPointer: true,
      claimMappings: { nomad_namespace: "nomad_namespace", nomad_job_id: "nomad_job_id", nomad_task: "nomad_task" },
      tokenPolicies: [policy.name],
      tokenType: "service",
      tokenPeriod: props.tokenPeriod.seconds,
    });
  }
}
