/** Vultr's API, as far as the CLI asks it. What it sells is public; only what one has needs a key. */
import { z } from "zod";
import { json, request, UnexpectedAnswer, type Answer, type TransportOptions } from "./http";

export const VULTR_API = "https://api.vultr.com";

/** Vultr's largest page. */
const PAGE_SIZE = 500;
/** Far above what Vultr lists: a cursor that never ends must not keep us. */
const MAX_PAGES = 20;

const linksSchema = z.object({ meta: z.object({ links: z.object({ next: z.string() }).optional() }).optional() });

export class VultrClient {
  constructor(private readonly key: string | undefined, private readonly transport: TransportOptions = {}, private readonly base: string = VULTR_API) {}

  /** Ids of the regions. */
  async regions(): Promise<string[]> {
    return (await this.list("regions", z.object({ id: z.string() }))).map((region) => region.id);
  }

  /** Ids of the plans that can be ordered in a region now. */
  async availablePlans(region: string): Promise<string[]> {
    const answer = await this.get(`regions/${encodeURIComponent(region)}/availability`);
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Vultr, asked for the plans of ${region},`);
    return z.object({ available_plans: z.array(z.string()) }).parse(json(answer, "Vultr's plans")).available_plans;
  }

  /** Names of the operating systems, as often as Vultr lists each. */
  async operatingSystems(): Promise<string[]> {
    return (await this.list("os", z.object({ name: z.string() }))).map((os) => os.name);
  }

  /** Whether the key may use instances, from this machine's address: Vultr refuses an unknown key and an unknown address alike. */
  async keyAccepted(): Promise<boolean> {
    const { status } = await this.get("instances?per_page=1", this.key);
    if (status === 401 || status === 403) return false;
    if (status !== 200) throw new UnexpectedAnswer(status, "Vultr's instances");
    return true;
  }

  private async list<T>(what: "regions" | "os", entry: z.ZodType<T>): Promise<T[]> {
    const entries: T[] = [];
    let cursor = "";
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await this.get(`${what}?per_page=${PAGE_SIZE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Vultr's ${what}`);
      const body = json(answer, `Vultr's ${what}`);
      entries.push(...z.array(entry).parse(z.record(z.string(), z.unknown()).parse(body)[what]));
      cursor = linksSchema.parse(body).meta?.links?.next ?? "";
      if (cursor === "") break;
    }
    return entries;
  }

  private get(path: string, key?: string): Promise<Answer> {
    const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
    return request(`${this.base}/v2/${path}`, { ...this.transport, headers });
  }
}
