/** Rotation in earnest: the environment's file, Nomad by what foundation's state says, and the nodes by SSH. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { FIRST_GENERATIONS, parseRotation } from "../../contracts/rotation";
import type { Environment } from "../../environments/schema";
import { json, request, UnexpectedAnswer, type Answer } from "../clients/http";
import { runScript } from "../clients/ssh";
import { nodeMachine } from "../data/machines";
import { withoutCredentials, type Variables } from "../doctor/credentials";
import { NomadOperator } from "../drill/nomad";
import type { Deployer } from "../terraform/deployer";
import { quoted } from "../../constructs/cluster/apply/script";
import type { ManagementWorld } from "./management-token";
import type { RotationFile } from "./shared-keys";

export function rotationFile({ nomad: { rotationFile: path } }: Environment): RotationFile {
  return {
    path,
    read: () => (existsSync(path) ? parseRotation(readFileSync(path, "utf8"), path) : FIRST_GENERATIONS),
    write(rotation) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${JSON.stringify(rotation, null, 2)}\n`);
    },
  };
}

/** Writes the authority that foundation's outputs name where the other stacks look for it. @returns whether it was another before */
export async function writeAuthority({ nomad: { authorityFile } }: Environment, deployer: Pick<Deployer, "outputs">): Promise<boolean> {
  const pem = (await deployer.outputs("foundation"))["nomad-ca"];
  if (pem === undefined) throw new Error("foundation has no output nomad-ca, and nothing was written; deploy it first: npx cdktf deploy foundation");
  if (existsSync(authorityFile) && readFileSync(authorityFile, "utf8") === pem) return false;
  mkdirSync(dirname(authorityFile), { recursive: true });
  writeFileSync(authorityFile, pem);
  return true;
}

/** Whether the file is in use, and holds something else than what is deployed. */
export async function authorityIsStale({ nomad: { authorityFile } }: Environment, deployer: Pick<Deployer, "outputs">): Promise<boolean> {
  return existsSync(authorityFile) && readFileSync(authorityFile, "utf8") !== (await deployer.outputs("foundation"))["nomad-ca"];
}

/** Where the environment has the authority in a file, it is kept to what is deployed: in a rotation, after each of its deploys. */
export async function followAuthority(env: Environment, deployer: Pick<Deployer, "outputs">): Promise<boolean> {
  return existsSync(env.nomad.authorityFile) && (await writeAuthority(env, deployer));
}

const tokensSchema = z.array(z.object({ AccessorID: z.string(), Name: z.string(), Type: z.string() }));
const ownSchema = z.object({ AccessorID: z.string(), Type: z.string() });
/** Nomad's own name for what a bootstrap makes (nomad/acl_endpoint.go). */
const BOOTSTRAP_TOKEN = "Bootstrap Token";

/** @param deployer whose state names the authority of Nomad's certificates */
export function managementWorld(env: Environment, deployer: Deployer, variables: Variables): ManagementWorld {
  const ca = async (): Promise<string> => (await deployer.outputs("foundation"))["nomad-ca"];
  const ask = async (path: string, method: "GET" | "POST" | "DELETE", token?: string): Promise<Answer> =>
    request(env.nomad.address + path, { method, ca: await ca(), headers: token === undefined ? {} : { "x-nomad-token": token }, ...(method === "POST" ? { body: "{}" } : {}) });
  const read = (answer: Answer, what: string): unknown => {
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
    return json(answer, what);
  };
  const file = `${env.nomad.dataDir}/server/acl-bootstrap-reset`;
  const onNode = (node: string, script: string) => runScript(nodeMachine(env, node), script, { variables: withoutCredentials(variables) });
  const appNodes = env.nodes.map(({ name }) => name);
  return {
    async manages(token) {
      const answer = await ask("/v1/acl/token/self", "GET", token);
      if (answer.status === 403) return false;
      return ownSchema.parse(read(answer, "Nomad's token")).Type === "management";
    },
    async resetIndex() {
      const { status, text } = await ask("/v1/acl/bootstrap", "POST");
      // Its answer is a token: it is not repeated, and removed with the others when the rotation is done.
      if (status === 200) throw new Error("Nomad's ACLs could be turned on anew by anybody who reaches its API, since an earlier rotation was ended by force: a management token was made that nobody keeps. Run the same command again, which closes this first and removes that token");
      const index = /reset index: (\d+)/.exec(text)?.[1];
      if (index === undefined) throw new Error(`Nomad did not say by which index its ACLs can be turned on anew (it answered: ${text.trim().slice(0, 120)}); see that it has a leader: gvfx doctor`);
      return Number(index);
    },
    async open(index, token) {
      // The witness has no login that an environment knows: its host key is made by the deploy.
      const nomad = new NomadOperator([env.nomad.address], env.nomad.namespace, token, { ca: await ca() });
      const servers = await nomad.servers();
      if (!appNodes.includes(servers.find(({ leader }) => leader)?.name ?? "")) {
        const next = servers.find(({ name }) => appNodes.includes(name));
        if (!next) throw new Error("none of the servers is an app node, so that the leader could not be told to take another management token; nothing was done");
        await nomad.transferLeadership(next.id);
      }
      // On both: the leadership may move between here and the deploy.
      for (const node of appNodes) await onNode(node, `umask 077; printf %s ${index} >${quoted(file)}`);
    },
    async close() {
      const left = (await Promise.allSettled(appNodes.map((node) => onNode(node, `rm -f ${quoted(file)}`)))).flatMap(({ status }, index) => (status === "rejected" ? [appNodes[index]] : []));
      if (left.length > 0) throw new Error(`${file} could not be removed on ${left.join(", ")}: with it anybody who reaches Nomad's API may make a management token, while the index in it is the newest; remove it by hand, as root`);
    },
    async removeOthers(token) {
      const { AccessorID: own } = ownSchema.parse(read(await ask("/v1/acl/token/self", "GET", token), "Nomad's token"));
      const others = tokensSchema.parse(read(await ask("/v1/acl/tokens", "GET", token), "Nomad's tokens")).filter(({ AccessorID, Name, Type }) => Type === "management" && Name === BOOTSTRAP_TOKEN && AccessorID !== own);
      for (const { AccessorID } of others) {
        const { status } = await ask(`/v1/acl/token/${AccessorID}`, "DELETE", token);
        if (status !== 200) throw new UnexpectedAnswer(status, `removing the management token ${AccessorID}`);
      }
      return others.length;
    },
  };
}
