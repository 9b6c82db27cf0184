/** What the doubles of the two clouds' APIs have in common: a request in, a reply out, no server of their own. */
export interface ApiRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  /** The Authorization header as it came. */
  readonly authorization: string | undefined;
}

export interface ApiReply {
  readonly status: number;
  /** Sent as JSON; a text is sent as it is. Undefined: no body. */
  readonly body?: unknown;
}

export interface ApiDouble {
  answer(request: ApiRequest): ApiReply;
}

/** The key of a request: `Bearer <key>`, or the user of a basic login, as Tailscale's clients send it. */
export function credential(authorization: string | undefined): string | undefined {
  const [, scheme, value] = /^(Bearer|Basic) (.+)$/.exec(authorization ?? "") ?? [];
  return scheme === "Basic" ? Buffer.from(value, "base64").toString().split(":")[0] : value;
}
