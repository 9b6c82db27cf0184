/** What a public function of the app is, to the double. */
import type { Reader, Writer } from "../store/documents";
import type { Fields, Value } from "../values/value";
import type { Validator } from "./validate";

/** File storage as functions see it. */
export interface Files {
  /** Keeps a file, and answers its id. */
  store(content: Uint8Array, contentType: string): Promise<string>;
  /** URL under which a stored file is served, or null when there is none. */
  url(db: Reader, storageId: string): Promise<string | null>;
  remove(db: Writer, storageId: string): Promise<void>;
  /** URL that takes one upload. */
  uploadUrl(): string;
}

type Arguments = Readonly<Record<string, Validator>>;

export interface QueryFunction {
  readonly kind: "query";
  readonly args: Arguments;
  run(db: Reader, args: Fields, files: Files): Promise<Value>;
}
export interface MutationFunction {
  readonly kind: "mutation";
  readonly args: Arguments;
  /** The tables it writes: mutations of one table run one after the other. */
  tables(args: Fields): readonly string[];
  run(db: Writer, args: Fields, files: Files): Promise<Value>;
}
export interface ActionFunction {
  readonly kind: "action";
  readonly args: Arguments;
  run(files: Files, args: Fields): Promise<Value>;
}
export type PublicFunction = QueryFunction | MutationFunction | ActionFunction;
/** By "module:function". */
export type Functions = Readonly<Record<string, PublicFunction>>;
