/** The jobs as an operator restarts them: by Nomad's API, Consul's health checks and the worker's lease. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { servicesOf } from "../../contracts/identity";
import { SYSTEM_JOBS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { consulServers } from "../clients/consul-servers";
import { json, UnexpectedAnswer } from "../clients/http";
import type { Variables } from "../doctor/credentials";
import { leaseAccess, leaseCommands } from "../lease/access";
import { assessLease } from "../lease/assess";
import { lookAtLease } from "../lease/look";
import { operatorConsul, operatorJobs } from "../operator/access";
import type { Restarter } from "./rotate";

const passingSchema = z.array(z.object({ Service: z.object({ ID: z.string() }) }));
/** A backup of everything, and the check of its repository. */
const RUN_WITHIN = Duration.minutes(30);
const LOOK_EVERY = Duration.seconds(2);

/** @throws Error that names the variables, or that the lab is not up */
export function operatorRestarter(env: Environment, variables: Variables, readFile: (path: string) => string): Restarter {
  const nomad = operatorJobs(env, variables, readFile, "an operator's: terraform -chdir=cdktf.out/stacks/foundation output -raw operator-token");
  const { addresses, token, caPem } = operatorConsul(env, variables, readFile);
  const consul = consulServers(addresses, token, { ca: caPem });
  const lease = leaseAccess(env, variables, readFile);
  const clock = { now: () => performance.now(), wait: async (ms: number) => void (await pause(ms)) };

  const passing = async (service: string): Promise<readonly string[]> => {
    const what = `Consul's health of ${service}`;
    const answer = await consul("GET", `/v1/health/service/${service}?passing=true&consistent`);
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
    return passingSchema.parse(json(answer, what)).map(({ Service }) => Service.ID);
  };
  return {
    async copies(job) {
      const [copies, registered, ...services] = await Promise.all([nomad.wanted(job), nomad.job(job), ...servicesOf(job).map(passing)]);
      if (!registered || registered.Stop) return [];
      // Nomad registers an allocation's service under an id that holds the allocation's.
      const there = copies.map(({ id, runs }) => ({ id, well: runs && services.every((instances) => instances.some((instance) => instance.includes(id))) }));
      const count = SYSTEM_JOBS.includes(job) ? there.length : registered.TaskGroups.reduce((sum, { Count }) => sum + Count, 0);
      return [...there, ...Array.from({ length: Math.max(0, count - there.length) }, () => ({ id: "", well: false }))];
    },
    underWay: async (job) => (await nomad.running()).some((copy) => copy.job.startsWith(`${job}/`)),
    stop: (copy) => nomad.stopAllocation(copy),
    leaseHolder: async () => assessLease(await lookAtLease(lease.sources), leaseCommands(env)).holder?.worker?.allocation,
    async runNow(job) {
      const began = clock.now();
      const run = await nomad.forcePeriodic(job);
      for (;;) {
        const status = await nomad.batchStatus(run);
        if (status === "complete") return;
        if (status === "failed" || clock.now() - began > RUN_WITHIN.milliseconds) throw new Error(`${job} ${status === "failed" ? "failed" : `did not end within ${RUN_WITHIN}`} (${run}): see its log, and run it again: nomad job periodic force ${job}`);
        await clock.wait(LOOK_EVERY.milliseconds);
      }
    },
    clock,
  };
}
