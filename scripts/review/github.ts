/** One comment of a pull request, found by its marker and written over: GitHub's REST API, as far as that needs it. */
import { z } from "zod";
import { json, request, UnexpectedAnswer, type Answer } from "../clients/http";

export interface PullRequest {
  /** "https://api.github.com", or an Enterprise server's. */
  readonly api: string;
  /** "owner/name". */
  readonly repository: string;
  readonly number: number;
  /** May write comments of pull requests, and needs nothing else. */
  readonly token: string;
}

const commentsSchema = z.array(z.object({ id: z.number(), body: z.string().nullish(), html_url: z.string(), user: z.object({ type: z.string() }).nullish() }));
const commentSchema = z.object({ html_url: z.string() });
/** The most that GitHub gives at once. */
const PAGE = 100;

/** Comments that hold the marker, oldest first. A person may quote one: only a bot's is written over. */
async function marked(pull: PullRequest, marker: string): Promise<{ readonly id: number }[]> {
  const found: { id: number }[] = [];
  for (let page = 1; ; page++) {
    const answer = await send(pull, "GET", `/issues/${pull.number}/comments?per_page=${PAGE}&page=${page}`);
    const comments = commentsSchema.parse(read(answer, `the comments of pull request ${pull.number}`));
    found.push(...comments.filter(({ body, user }) => user?.type === "Bot" && body?.startsWith(marker)));
    if (comments.length < PAGE) return found;
  }
}

/**
 * Writes the comment, over the one that is there.
 * @param text begins with the marker
 * @param create whether to write one where none is
 * @returns its address; undefined when there is none, and none was to be made
 * @throws UnexpectedAnswer when GitHub refuses
 */
export async function writeComment(pull: PullRequest, marker: string, text: string, create: boolean): Promise<string | undefined> {
  const [first] = await marked(pull, marker);
  if (!first && !create) return undefined;
  const answer = first ? await send(pull, "PATCH", `/issues/comments/${first.id}`, { body: text }) : await send(pull, "POST", `/issues/${pull.number}/comments`, { body: text });
  return commentSchema.parse(read(answer, first ? "changing the comment" : "writing a comment")).html_url;
}

function read(answer: Answer, what: string): unknown {
  if (answer.status === 403 || answer.status === 404) throw new Error(`GitHub answered ${answer.status} to ${what}: the token may not; the job needs "permissions: pull-requests: write", and a fork's pull request is given no such token`);
  if (answer.status !== 200 && answer.status !== 201) throw new UnexpectedAnswer(answer.status, `GitHub: ${what}`);
  return json(answer, what);
}

function send({ api, repository, token }: PullRequest, method: "GET" | "POST" | "PATCH", path: string, body?: unknown): Promise<Answer> {
  return request(`${api.replace(/\/$/, "")}/repos/${repository}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28", "user-agent": "gvfx" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
