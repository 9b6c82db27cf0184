/** What the wrapper asks of Consul: each effect is answered by exactly one event, a failure when the time of a request is over. */
import type { Answer, Owner, Request } from "./consul";
import type { Network } from "./network";
import type { Effect, News } from "./protocol-source";
import { Timeline } from "./timeline";

type Asked = Exclude<Effect, { type: "start" | "signal" | "kill" | "exit" }>;
type Settle = (news: News) => void;
type Send = (request: Request, then: (answer: Answer) => void) => void;

export interface RequestParts {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly timeoutMs: number;
  /** Planted defect: a renewal is not followed by a consistent read, the owner is taken to be this one. */
  readonly trustsRenewalsUnder?: Owner;
  clock(): number;
  whenAwake(action: () => void): void;
  answered(news: News): void;
}

export class Requests {
  constructor(private readonly parts: RequestParts) {}

  perform(effect: Asked): void {
    switch (effect.type) {
      case "observe":
        return this.ask({ type: "observe-failed" }, (settle, send) => send({ type: "read" }, (answer) => {
          if (answer.status === 200) settle({ type: "observed", owner: answer.owner!, ownerIndex: answer.ownerIndex!, holder: answer.holder! });
          else settle({ type: "observe-failed" });
        }));
      case "create-session": {
        const sentAt = this.parts.clock();
        return this.ask({ type: "session-failed" }, (settle, send) => send({ type: "create" }, (answer) => {
          if (answer.status === 200) settle({ type: "session-created", session: answer.session!, sentAt });
          else settle({ type: "session-failed" });
        }));
      }
      case "acquire": {
        const { session, ownerIndex } = effect;
        return this.ask({ type: "acquire-failed", session }, (settle, send) => send({ type: "acquire", session, ownerIndex }, ({ status }) => settle({ type: status === 200 ? "acquired" : status === 409 ? "acquire-refused" : "acquire-failed", session })));
      }
      case "renew":
        return this.renew(effect.session);
      case "release":
      case "destroy": {
        const { type, session } = effect;
        const failed: News = { type: type === "release" ? "release-failed" : "destroy-failed", session };
        return this.ask(failed, (settle, send) => send({ type, session }, ({ status }) => settle(status === 200 ? { type: type === "release" ? "released" : "destroyed", session } : failed)));
      }
    }
  }

  private renew(session: string): void {
    const sentAt = this.parts.clock();
    const lost: News = { type: "renew-lost", session };
    const failed: News = { type: "renew-failed", session };
    const { trustsRenewalsUnder } = this.parts;
    this.ask(failed, (settle, send) => send({ type: "renew", session }, ({ status }) => {
      if (status !== 200 && status !== 404) settle(failed);
      else if (trustsRenewalsUnder) settle(status === 404 ? lost : { type: "renewed", session, sentAt, owner: trustsRenewalsUnder });
      else send({ type: "read" }, (answer) => {
        if (answer.status !== 200) settle(failed);
        else if (answer.holder !== session) settle(lost);
        else settle(status === 404 ? failed : { type: "renewed", session, sentAt, owner: answer.owner! });
      });
    }));
  }

  private ask(failed: News, exchange: (settle: Settle, send: Send) => void): void {
    const { timeline, network, timeoutMs, whenAwake, answered } = this.parts;
    let open = true;
    const settle = (news: News) => {
      if (!open) return;
      open = false;
      answered(news);
    };
    exchange(settle, (request, then) => {
      let waits = true;
      timeline.after(timeoutMs, () => waits && whenAwake(() => waits && settle(failed)));
      network.send(request, (answer) => whenAwake(() => {
        if (open && waits) then(answer);
        waits = false;
      }));
    });
  }
}
