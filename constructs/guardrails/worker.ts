/** The worker is one, and what only it may do is done nowhere else. */
import { WORKER_ONLY_KEYS } from "../../contracts/env";
import { APP_SERVICE_JOB, APP_SERVICES, JOBS } from "../../contracts/services";
import { variablesFor } from "../../contracts/variables";
import { groups, keysNamedIn, tasks, texts, type JobRule, type ReadGroup, type ReadJob, type ReadTask } from "./rule";
import { variablesRead } from "./templates";

/** The worker's program in the backend's image, src/jobs/worker.ts, however a command or a script writes it. */
const ENTRY_POINT = /(?<![\w-])jobs\/worker(?![\w-])/;
const runsWorker = (task: ReadTask): boolean => texts([task.Config, task.Env, task.Templates]).some((text) => ENTRY_POINT.test(text));

/** Kinds of job of which several run, or run again. */
const REPEATS = ["Periodic", "ParameterizedJob", "Multiregion"];

/** Measured: with either, the replacement takes 5 to 20 s longer, and a lost leader stops a healthy worker. */
function disconnectViolation({ Disconnect }: ReadGroup): string | false {
  if (!Disconnect) return "states no disconnect policy: what happens when its node is cut off must be decided, not defaulted; use a singleton group";
  const extra = Object.keys(Disconnect).filter((key) => key !== "Replace" && key !== "Reconcile");
  if (Disconnect.Replace === true && Disconnect.Reconcile === "keep_replacement" && extra.length === 0) return false;
  return `has disconnect policy ${JSON.stringify(Disconnect)}: the worker is replaced as soon as its node is lost, the replacement is kept, and LostAfter and StopOnClientAfter were both measured worse; use { replace: true, reconcile: "keep_replacement" } and nothing else`;
}

function worker(job: ReadJob): string[] {
  const count = job.TaskGroups?.length ?? 0;
  return [
    ...(job.Type === "service" ? [] : [`has type ${job.Type}: only a service is one copy that is always there; use a singleton group`]),
    ...REPEATS.filter((key) => Object.hasOwn(job, key)).map((key) => `has ${key}: it would start further workers; remove it`),
    ...(count === 1 ? [] : [`has ${count} groups: each would run a worker; keep one`]),
    ...groups(job, (group) => [
      group.Count !== 1 && `count is ${group.Count}: two workers trade twice; use a singleton group`,
      (group.Scaling?.Min !== 1 || group.Scaling.Max !== 1) && "scaling is not bounded from 1 to 1: `nomad job scale` could start a second worker; use a singleton group",
      !group.Update && "states no update policy: Nomad's default decides how the old worker is followed by the new one; use a singleton group",
      group.Update && group.Update.Canary !== 0 && `has ${group.Update.Canary} canaries: a canary runs beside the worker; use a singleton group`,
      Boolean(group.Spreads?.length) && "has a spread: it only makes sense for several copies; use a singleton group",
      disconnectViolation(group),
      Object.keys(group.RestartPolicy ?? {}).length === 0 && "has an empty restart policy: Nomad's default gives up after two attempts, and a minute without ingestion is a gap; state it",
    ]),
  ];
}

/** Whoever runs the worker's program is a worker, whatever the job is called. */
function entryPoint(job: ReadJob): string[] {
  if (job.ID !== JOBS.worker) return tasks(job, (task) => [runsWorker(task) && `runs the worker's program (src/jobs/worker.ts): it would trade beside ${JOBS.worker}; run it in ${JOBS.worker} only`]);
  const running = (job.TaskGroups ?? []).flatMap((group) => group.Tasks ?? []).filter(runsWorker);
  return running.length > 1 ? [`tasks ${running.map((task) => task.Name).join(", ")} all run the worker's program (src/jobs/worker.ts): two workers trade twice; keep one`] : [];
}

export const singleWorker: JobRule = {
  id: "single-worker",
  rule: "The worker: a service, count 1, scaling 1 to 1, no canary, no spread, replaced as soon as its node is lost, stated restart and update policies; its program runs in one task of one job",
  defects: [
    "count 2",
    "scaling up to 2",
    "no scaling block",
    "a canary",
    "a spread",
    "no disconnect policy",
    "a disconnect policy that waits",
    "a disconnect policy that stops the client's copy",
    "a disconnect policy that keeps the original",
    "a disconnect policy that does not replace",
    "a system job",
    "a periodic job",
    "a parameterized job",
    "a job in several regions",
    "an empty restart policy",
    "no update policy",
    "the worker's program in the API",
    "the worker's program in a script of another job",
    "the worker's program in two tasks",
  ],
  check: (job) => [...(job.ID === JOBS.worker ? worker(job) : []), ...entryPoint(job)],
};

export const workerOnlyEnv: JobRule = {
  id: "worker-only-env",
  rule: "`BINGX_WS_ENABLED`, scheduler intervals and the switches of Binance's socket, polling and backfill appear in the worker only, be it as environment, in a template or on a command line",
  defects: [
    "the market data socket in the API",
    "a scheduler interval in a template of the API",
    "Binance's socket in the API",
    "Binance's market data in the API",
    "Binance's backfill in the API",
    "the market data socket in an argument",
    "the market data socket in a command",
    "the market data socket in an entrypoint",
  ],
  check: (job) => {
    if (job.ID === JOBS.worker) return [];
    return tasks(job, (task) => {
      const named = keysNamedIn([task.Env, task.Config, task.Templates]);
      return [...WORKER_ONLY_KEYS].filter((key) => named.has(key)).map((key) => `sets ${key}: the same scheduler would run in a second process; give it to ${JOBS.worker} only`);
    });
  },
};

export const ownVariables: JobRule = {
  id: "own-variables",
  rule: "A job's templates read the Nomad variables of its own service only, each by its full path",
  defects: ["the worker's tuning in the API", "the worker's tuning in a job that is no service of the app", "a variable of another namespace", "a path that is not written out", "a list of variables"],
  check: (job) => {
    const service = APP_SERVICES.find((name) => APP_SERVICE_JOB[name] === job.ID);
    const own: readonly string[] = service ? variablesFor(service) : [];
    return tasks(job, (task) =>
      (task.Templates ?? []).flatMap((template) =>
        variablesRead(template.EmbeddedTmpl ?? "")
          .filter((path) => path === undefined || !own.includes(path))
          .map((path) => `template ${template.DestPath} reads ${path === undefined ? "variables without naming their path" : `variable ${path}`}: another service's tuning could start a second scheduler; read ${own.length ? own.map((p) => `"${p}"`).join(" or ") : "none, or make the job a service of the app"}`),
      ),
    );
  },
};
