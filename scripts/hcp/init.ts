/** Brings HCP Terraform to what an environment needs: looks first, changes only what differs, and can be repeated at any point. */
import type { HcpClient, Workspace } from "./client";
import { SETTINGS, type WantedVariable, type WantedWorkspace } from "./wanted";

export interface InitOptions {
  readonly client: Pick<HcpClient, keyof HcpClient>;
  readonly project: string;
  readonly agentPool: string;
  readonly workspaces: readonly WantedWorkspace[];
  /** The operator's shell. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Look only: say what would be done. */
  readonly dryRun: boolean;
  /** Gets each change, as it is done or would be. */
  readonly say: (line: string) => void;
}

export interface Initialized {
  /** How many changes were made, or would be. */
  readonly changes: number;
  /** Variables that a run needs and nobody has given. */
  readonly missing: readonly { readonly workspace: string; readonly variable: WantedVariable }[];
}

/** @throws Error when the agent pool is not there, or HCP Terraform refuses; what was done stays, and the same command goes on */
export async function initializeHcp({ client, project, agentPool, workspaces, variables, dryRun, say }: InitOptions): Promise<Initialized> {
  let changes = 0;
  const change = async <T>(line: string, work: () => Promise<T>): Promise<T | undefined> => {
    changes += 1;
    say(line);
    return dryRun ? undefined : work();
  };

  const poolId = await client.agentPool(agentPool);
  if (poolId === undefined) throw new Error(`there is no agent pool "${agentPool}": runs need an agent that is on the tailnet, since nothing of the platform is reached from anywhere else; make one in the organization's settings (Agents), start an agent with its token on the tailnet, and name it by --agent-pool`);
  const projectId = (await client.project(project)) ?? (await change(`project ${project} is made`, () => client.createProject(project)));

  const ids = new Map<string, string>();
  for (const { name } of workspaces) {
    const known = await client.workspace(name);
    const settings = { ...SETTINGS, "agent-pool-id": poolId };
    if (!known) {
      const id = await change(`workspace ${name} is made`, () => client.createWorkspace({ name, ...settings }, projectId!));
      if (id !== undefined) ids.set(name, id);
      continue;
    }
    ids.set(name, known.id);
    const different = differences(known, poolId, projectId);
    if (different.length > 0) await change(`workspace ${name}: ${different.join(", ")}`, () => client.updateWorkspace(known.id, settings, projectId!));
  }

  const missing: { workspace: string; variable: WantedVariable }[] = [];
  for (const { name, readers, triggeredBy, variables: wanted } of workspaces) {
    const id = ids.get(name);
    const nameOf = (other: string): string => [...ids].find(([, known]) => known === other)?.[0] ?? other;

    const mayRead = id === undefined ? [] : await client.stateReaders(id);
    const added = readers.filter((reader) => !mayRead.includes(ids.get(reader) ?? ""));
    if (added.length > 0) await change(`workspace ${name}: its state is read by ${added.join(", ")}`, () => client.addStateReaders(id!, added.map((reader) => ids.get(reader)!)));
    const removed = mayRead.filter((reader) => !readers.includes(nameOf(reader)));
    if (removed.length > 0) await change(`workspace ${name}: its state is no longer read by ${removed.map(nameOf).join(", ")}`, () => client.removeStateReaders(id!, removed));

    const triggers = id === undefined ? [] : await client.triggers(id);
    for (const source of triggeredBy) if (!triggers.some(({ sourceId }) => sourceId === ids.get(source))) await change(`workspace ${name}: an apply of ${source} makes a run of it`, () => client.createTrigger(id!, ids.get(source)!));
    for (const { id: trigger, sourceId } of triggers) if (!triggeredBy.includes(nameOf(sourceId))) await change(`workspace ${name}: an apply of ${nameOf(sourceId)} makes no run of it any more`, () => client.removeTrigger(trigger));

    const there = id === undefined ? [] : await client.variables(id);
    for (const variable of wanted.filter(({ key }) => !there.includes(key))) {
      const value = variable.from.map((from) => variables[from]?.trim()).find(Boolean);
      if (value === undefined) missing.push({ workspace: name, variable });
      else await change(`workspace ${name}: ${variable.key} is given (${variable.purpose})`, () => client.createVariable(id!, variable.key, value, variable.purpose));
    }
  }
  return { changes, missing };
}

/** What is otherwise than it must be, in words. */
function differences({ attributes, projectId, agentPoolId }: Workspace, poolId: string, wantedProject: string | undefined): string[] {
  return [
    ...Object.entries(SETTINGS).flatMap(([key, value]) => (attributes[key] === value ? [] : [`${key} ${String(attributes[key] ?? "not set")} to ${String(value)}`])),
    ...(agentPoolId === poolId ? [] : ["another agent pool"]),
    ...(projectId === wantedProject && wantedProject !== undefined ? [] : ["another project"]),
  ];
}
