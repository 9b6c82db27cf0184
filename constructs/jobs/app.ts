/** The app's replicated services: api, frontend, rl-service. */
import { LONGEST_CALL } from "../../contracts/http";
import { vaultRole } from "../../contracts/identity";
import { imageReference, type ImageLock, type ImageRole } from "../../contracts/images";
import { secretPathsFor } from "../../contracts/secrets";
import { allocationServiceName, APP_SERVICE_JOB, DEFAULT_PORTS, type GatewayService, type JobName } from "../../contracts/services";
import { Duration, type Port, type Size } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS, notOnWitness } from "../nomad/placement";
import { Probe, type JobSpec, type TaskSpec, type TemplateSpec } from "../nomad/spec";
import { appEnvironment } from "./app-environment";
import { DRAIN_SCRIPT, DRAIN_SCRIPT_PATH } from "./drain";
import { CHECK_INTERVAL, CHECK_TIMEOUT, PRIORITY, RESCHEDULE_WITHOUT_LIMIT, RESTART_THEN_MOVE, SHUTDOWN_DELAY, updatePolicy } from "./policies";
import { literalEnv, secretEnvTemplate, secretFields, variableEnvTemplate, variablesHash } from "./templates";

export function apiJob(env: Environment, lock: ImageLock): JobSpec {
  return replicated(env, lock, {
    service: "api",
    image: "backend",
    command: ["bun", "run", "src/api/server.ts"],
    to: DEFAULT_PORTS.api,
    count: env.replicas.api,
    resources: env.resources.api,
    healthPath: "/health",
    // The app ends at once on SIGTERM, whatever is in flight, an order too.
    drains: true,
    // The ceiling of the drain: the longest call, a backfill or a training run.
    killTimeout: LONGEST_CALL,
    rationale: "kill timeout 20 min: calls in flight are let finish before the app is told to stop, the longest takes that long; one canary, then one at a time",
  });
}

export function frontendJob(env: Environment, lock: ImageLock): JobSpec {
  return replicated(env, lock, {
    service: "frontend",
    image: "frontend",
    to: DEFAULT_PORTS.frontend,
    count: env.replicas.frontend,
    resources: env.resources.frontend,
    healthPath: "/",
    // Its proxy gives up on a call after 45 s; nothing is in flight longer.
    killTimeout: Duration.seconds(50),
    rationale: "kill timeout 50 s: the frontend's proxy ends every call after 45 s",
  });
}

export function rlServiceJob(env: Environment, lock: ImageLock): JobSpec {
  return replicated(env, lock, {
    service: "rl-service",
    image: "rlService",
    to: DEFAULT_PORTS.rlService,
    count: env.replicas.rlService,
    resources: env.resources.rlService,
    healthPath: "/health",
    // Its server lets calls in flight finish by itself.
    killTimeout: LONGEST_CALL,
    rationale: "kill timeout 20 min: a training run takes up to that; health is 503 until the ML parts are loaded, within the deadline of 5 min",
  });
}

interface ReplicatedService {
  readonly service: GatewayService;
  readonly image: ImageRole & keyof Environment["images"];
  readonly command?: readonly [string, ...string[]];
  readonly to: Port;
  readonly count: number;
  readonly resources: { readonly cpuMhz: number; readonly memory: Size; readonly memoryMax?: Size };
  readonly healthPath: string;
  readonly killTimeout: Duration;
  /** Wait for calls in flight before the command gets the stop signal. @default false: the command does it itself */
  readonly drains?: boolean;
  readonly rationale: string;
}

function replicated(env: Environment, lock: ImageLock, s: ReplicatedService): JobSpec {
  const job = APP_SERVICE_JOB[s.service];
  const variables = appEnvironment(env, s.service);
  return {
    id: job,
    region: env.nomad.region,
    datacenter: env.nomad.datacenter,
    namespace: env.nomad.namespace,
    priority: PRIORITY.app,
    rationale: s.rationale,
    contentHashes: { variables: variablesHash(variables) },
    group: {
      kind: "replicated",
      name: s.service,
      count: s.count,
      constraints: [notOnWitness()],
      // Dynamic: a fixed port on two nodes with two copies would leave no room for a canary.
      ports: [{ label: "http", to: s.to }],
      services: [{ name: allocationServiceName(s.service), port: "http", check: Probe.fromHttpGet(s.healthPath, { interval: CHECK_INTERVAL, timeout: CHECK_TIMEOUT }) }],
      restart: RESTART_THEN_MOVE,
      reschedule: RESCHEDULE_WITHOUT_LIMIT,
      update: updatePolicy(env),
      canary: { count: 1, autoPromote: true },
      shutdownDelay: SHUTDOWN_DELAY,
      tasks: [
        {
          name: s.service,
          image: imageReference(env.images[s.image], lock[s.image]),
          ...(s.drains && s.command ? { entrypoint: ["/bin/sh", `/${DRAIN_SCRIPT_PATH}`, String(s.to)], ...commandOf(s.command) } : commandOf(s.command)),
          ports: ["http"],
          ...appEnv(env, job, variables),
          ...(s.drains ? { templates: [...appEnv(env, job, variables).templates, { data: DRAIN_SCRIPT, destination: DRAIN_SCRIPT_PATH, perms: "0755" }] } : {}),
          resources: s.resources,
          killSignal: "SIGTERM",
          killTimeout: s.killTimeout,
          dnsServer: NODE_TAILNET_ADDRESS,
          init: true,
        },
      ],
    },
  };
}

/** Command and arguments of a task, as Docker takes them. */
export function commandOf(command: readonly [string, ...string[]] | undefined): Pick<TaskSpec, "command" | "args"> {
  return command ? { command: command[0], args: command.slice(1) } : {};
}

/** Environment, templates and Vault role of an app task. */
export function appEnv(env: Environment, job: JobName, variables: ReturnType<typeof appEnvironment>): Pick<TaskSpec, "env" | "vaultRole"> & { readonly templates: readonly TemplateSpec[] } {
  const secrets = secretFields(variables);
  const reads = Object.values(variables).some((source) => source.from === "variable");
  return {
    env: literalEnv(variables),
    templates: [...(reads ? [variableEnvTemplate(variables)] : []), ...(secrets.length ? [secretEnvTemplate(env.vault.kvMount, job, secrets)] : [])],
    ...(secretPathsFor(job).length ? { vaultRole: vaultRole(env.nomad.namespace, job) } : {}),
  };
}
