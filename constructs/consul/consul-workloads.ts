/**
 * Consul for Nomad workloads: a login for workload identities, and for each job
 * that has a part in Consul one role with exactly what it registers and reads. As `nomad setup consul` does
 * it, but bound to a job instead of to a whole namespace.
 */
import { AclAuthMethod } from "@cdktf/provider-consul/lib/acl-auth-method";
import { Fn, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { CONSUL_AUDIENCE, consulAuthMethod, consulRole, nomadJwksUrl } from "../../contracts/identity";
import { jobRules, jobsOfConsul } from "./consul-rules";
import { WorkloadRole } from "./workload-role";

export interface ConsulWorkloadsProps {
  /** Nomad namespace of the jobs, and folder of the cutover's keys. */
  readonly namespace: string;
  /** DNS domain of Consul, for the default of `jwksUrl`. */
  readonly domain: string;
  /** Consul node names of the nodes that run allocations. */
  readonly appNodes: readonly string[];
  /** Whether the cutover's guardian may move owner and traffic. */
  readonly guardianMode: "advise" | "act";
  /** Refuse to destroy the login: with it go the tokens of every running allocation. */
  readonly protect: boolean;
  /** PEM of the authority that signed the certificates of Nomad's API. @default the system's authorities */
  readonly jwksCaPem?: string;
  /** Where Consul fetches Nomad's signing keys. Fetched when the auth method is written, so Nomad must answer then. @default the name of every healthy Nomad server */
  readonly jwksUrl?: string;
  /** What must be there before: Nomad's servers. @default none */
  readonly dependsOn?: ITerraformDependable[];
}

export class ConsulWorkloads extends Construct {
  /** For the roles of further jobs. */
  readonly authMethod: AclAuthMethod;

  constructor(scope: Construct, id: string, props: ConsulWorkloadsProps) {
    super(scope, id);
    const { namespace } = props;

    this.authMethod = new AclAuthMethod(this, "login", {
      name: consulAuthMethod(namespace),
      type: "jwt",
      displayName: consulAuthMethod(namespace),
      description: "Workload identities of Nomad",
      tokenLocality: "local",
      // No max_token_ttl: Nomad logs in once per allocation and never renews, so an end would deregister what still runs.
      configJson: Fn.jsonencode({
        JWKSURL: props.jwksUrl ?? nomadJwksUrl(props.domain),
        ...(props.jwksCaPem === undefined ? {} : { JWKSCACert: props.jwksCaPem }),
        JWTSupportedAlgs: ["RS256"],
        BoundAudiences: [CONSUL_AUDIENCE],
        ClaimMappings: { nomad_namespace: "nomad_namespace", nomad_job_id: "nomad_job_id", nomad_task: "nomad_task", nomad_service: "nomad_service" },
      }),
      lifecycle: { preventDestroy: props.protect },
      dependsOn: props.dependsOn,
    });

    for (const job of jobsOfConsul()) {
      new WorkloadRole(this, job, {
        authMethod: this.authMethod.name,
        namespace,
        job,
        name: consulRole(namespace, job),
        rules: jobRules(namespace, job, { leaseNodes: props.appNodes, guardianMode: props.guardianMode }),
      });
    }
  }
}
