/** The job as the HTTP API takes it (field names of github.com/hashicorp/nomad/api, durations in nanoseconds). */
export interface ApiConstraint { readonly LTarget: string; readonly Operand: string; readonly RTarget: string }

export interface ApiPort { readonly Label: string; readonly To: number; readonly HostNetwork: string; readonly Value?: number }

export interface ApiCheck { readonly Name: string; readonly Type: string; readonly Path?: string; readonly PortLabel: string; readonly Interval: number; readonly Timeout: number }

export interface ApiService { readonly Name: string; readonly Provider: string; readonly PortLabel: string; readonly Tags?: readonly string[]; readonly Checks: readonly ApiCheck[] }

export interface ApiTemplate {
  readonly EmbeddedTmpl: string; readonly DestPath: string; readonly Envvars: boolean; readonly Perms: string; readonly ErrMissingKey: boolean;
  readonly ChangeMode: string;
}

export interface ApiTask {
  readonly Name: string; readonly Driver: string; readonly User?: string; readonly Config: Readonly<Record<string, unknown>> & { readonly image: string };
  readonly Env?: Readonly<Record<string, string>>; readonly Templates?: readonly ApiTemplate[];
  readonly Vault?: { readonly Role: string; readonly ChangeMode: string; readonly Env: boolean; readonly DisableFile: boolean };
  readonly Consul?: Readonly<Record<string, never>>;
  readonly Identity?: { readonly Name: string; readonly Env: boolean; readonly File: boolean };
  readonly Resources: { readonly CPU: number; readonly MemoryMB: number; readonly MemoryMaxMB?: number };
  readonly KillSignal: string; readonly KillTimeout: number;
  readonly Lifecycle?: { readonly Hook: string; readonly Sidecar: boolean };
  readonly VolumeMounts?: readonly { readonly Volume: string; readonly Destination: string; readonly ReadOnly: boolean }[];
  readonly LogConfig: { readonly MaxFiles: number; readonly MaxFileSizeMB: number };
}

export interface ApiUpdate {
  readonly MaxParallel: number; readonly HealthCheck: string; readonly MinHealthyTime: number; readonly HealthyDeadline: number;
  readonly ProgressDeadline: number; readonly AutoRevert: boolean; readonly AutoPromote: boolean; readonly Canary: number;
}

export interface ApiGroup {
  readonly Name: string; readonly Count?: number; readonly Constraints: readonly ApiConstraint[];
  readonly Spreads?: readonly { readonly Attribute: string; readonly Weight: number }[];
  readonly Scaling?: { readonly Min: number; readonly Max: number; readonly Enabled: boolean };
  readonly Disconnect?: { readonly Replace: boolean; readonly Reconcile: string; readonly LostAfter?: number };
  readonly Networks: readonly { readonly DynamicPorts?: readonly ApiPort[]; readonly ReservedPorts?: readonly ApiPort[] }[];
  readonly Services: readonly ApiService[];
  readonly RestartPolicy: { readonly Attempts: number; readonly Interval: number; readonly Delay: number; readonly Mode: string };
  readonly ReschedulePolicy?: { readonly Attempts: number; readonly Interval: number; readonly Delay: number; readonly DelayFunction: string; readonly MaxDelay: number; readonly Unlimited: boolean };
  readonly Migrate?: { readonly MaxParallel: number; readonly HealthCheck: string; readonly MinHealthyTime: number; readonly HealthyDeadline: number };
  /** Absent from batch jobs alone, which Nomad refuses with one. */
  readonly Update?: ApiUpdate; readonly ShutdownDelay?: number;
  readonly Volumes?: Readonly<Record<string, { readonly Name: string; readonly Type: string; readonly Source: string; readonly ReadOnly: boolean }>>;
  readonly Tasks: readonly ApiTask[];
}

export interface ApiPeriodic { readonly Enabled: boolean; readonly Specs: readonly string[]; readonly SpecType: string; readonly ProhibitOverlap: boolean; readonly TimeZone: string }

export interface ApiJob {
  readonly ID: string; readonly Name: string; readonly Type: "service" | "system" | "batch" | "sysbatch"; readonly Periodic?: ApiPeriodic; readonly Region: string; readonly Namespace: string;
  readonly Datacenters: readonly string[]; readonly Priority: number; readonly Meta: Readonly<Record<string, string>>; readonly TaskGroups: readonly ApiGroup[];
}
