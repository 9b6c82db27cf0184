/** The lab of this machine, as outages see it. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { SECRETS } from "../../../contracts/secrets";
import { Duration } from "../../../contracts/units";
import type { Environment, Lab } from "../../../environments/schema";
import { json, request } from "../../clients/http";
import { labAccess, type LabAccess } from "../access";
import { labBreaker } from "../break/command";
import { Engine } from "../engine";
import { startLoad } from "../load/generator";
import { labMachines, publishedAddress } from "../machines";
import { labClients } from "../status/clients";
import { collectStatus } from "../status/collect";
import { runningTasks } from "../status/tasks";
import type { Outage, OutageSources, TaskContainer } from "./outage";
import { lastTemplateRetry } from "./templates";

/** On each node's gateway; enough to see a gap of a second, and no load to speak of. */
const REQUESTS_PER_SECOND = 5;
/** A call that the API answers by itself, and one for which it asks Convex. */
const READS = ["/health", "/ops/ingestion/runs?page_size=1"];
/** Twenty minutes of an agent that complains about everything. */
const JOURNAL_LINES = 20_000;
/** More than all templates of a node fail in the longest pause between attempts. */
const RETRY_LINES = 500;

export async function labOutageSources(env: Environment, lab: Lab, write: (line: string) => void, engine = new Engine()): Promise<OutageSources> {
  const access = labAccess(env);
  const machines = labMachines(env, lab);
  const nodes = machines.filter(({ role }) => role === "node");
  const breaker = labBreaker(env, lab, engine);
  const { nomad } = labClients(env, lab, access);
  if (!nomad) throw new Error("the jobs are not deployed, so that an outage would show nothing; bring the lab up with: npm run lab");
  // Now: while OpenBao is away nobody can read it.
  const token = await apiToken(env, access);
  const away = new Map<Outage, Awaited<ReturnType<typeof breaker.break>>>();

  const containers = async (): Promise<Map<string, string>> => {
    const lists = await Promise.all(nodes.map(({ container }) => engine.inside(container).lines(["ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}"])));
    return new Map(lists.flat().map((line) => line.split(" ")).map(([id, name]) => [name, id]));
  };
  return {
    write,
    now: Date.now,
    wait: (time, signal) => pause(time.milliseconds, undefined, { signal }).catch(() => undefined),
    status: () => collectStatus(env, lab, { engine, access }),
    tasks: async () => {
      const [allocations, ids, running] = await Promise.all([nomad.allocations(), nomad.jobIds(), containers()]);
      const jobs = await Promise.all(ids.map((id) => nomad.job(id)));
      const lasting = new Set(jobs.filter(({ type, periodic, stopped }) => (type === "service" || type === "system") && !periodic && !stopped).map(({ id }) => id));
      return runningTasks(allocations, machines).filter(({ job }) => lasting.has(job)).flatMap(({ job, node, task, container }): TaskContainer[] => {
        const id = running.get(container);
        return id ? [{ name: `${job} on ${node.name}: ${task}`, id }] : [];
      });
    },
    running: async () => new Set((await containers()).values()),
    takeAway: async (outage) => void away.set(outage, await breaker.break(outage === "nomad-servers" ? "partition" : "stop", [outage])),
    bringBack: async (outage) => void (await breaker.heal(away.has(outage) ? { entries: away.get(outage) } : { names: [outage] })),
    traffic: (signal) =>
      Promise.all(
        nodes.map((node) => {
          const address = publishedAddress(node, env.ports.api);
          if (!address) throw new Error(`the API's port ${env.ports.api} of ${node.name} is not published, so that nothing can be asked of it; add it to lab.published of the environment`);
          return startLoad({ url: `http://${address}`, rate: REQUESTS_PER_SECOND, reads: READS, token, signal }).done;
        }),
      ),
    lastTemplateRetry: async () => {
      const due = await Promise.all(nodes.map(async ({ container }) => lastTemplateRetry(await engine.lines(["exec", container, "sh", "-c", `journalctl -u nomad -n ${JOURNAL_LINES} | grep -F '(retry attempt' | tail -n ${RETRY_LINES}`]))));
      const known = due.flatMap((time) => time ?? []);
      return known.length === 0 ? undefined : Math.max(...known);
    },
  };
}

const secretSchema = z.object({ data: z.object({ data: z.record(z.string(), z.string()) }) });

/** What the API asks of its callers. */
export async function apiToken(env: Environment, { vault }: LabAccess): Promise<string> {
  const secret = SECRETS.find(({ field }) => field === "API_TOKEN")!;
  const answer = await request(`${vault.address}/v1/${env.vault.kvMount}/data/${secret.path}`, { ca: vault.caPem, headers: { "x-vault-token": vault.token }, answerTimeout: Duration.seconds(6) });
  const parsed = answer.status === 200 ? secretSchema.parse(json(answer, "OpenBao's secret")).data.data[secret.field] : undefined;
  if (!parsed) throw new Error(`OpenBao answered ${answer.status} to reading ${secret.path}, so that nothing can call the API; fill it with: npm run lab`);
  return parsed;
}
