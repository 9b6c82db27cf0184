/** Checks of a request's JSON body, with the answers that FastAPI gives: 422 and one entry for each wrong field. */

export interface FieldError {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
}

/** Errors of a value found at `loc`; none when it fits. */
export type Check = (value: unknown, loc: readonly (string | number)[]) => FieldError[];

function kind(type: string, msg: string, fits: (value: unknown) => boolean): Check {
  return (value, loc) => (fits(value) ? [] : [{ type, loc, msg }]);
}

export const text = kind("string_type", "Input should be a valid string", (v) => typeof v === "string");
export const number = kind("float_type", "Input should be a valid number", (v) => typeof v === "number" && Number.isFinite(v));
export const whole = kind("int_type", "Input should be a valid integer", (v) => Number.isSafeInteger(v));
export const flag = kind("bool_type", "Input should be a valid boolean", (v) => typeof v === "boolean");
export const time = kind("datetime_from_date_parsing", "Input should be a valid datetime", (v) => typeof v === "string" && !Number.isNaN(Date.parse(v)));
export const record = kind("dict_type", "Input should be a valid dictionary", isRecord);

export function oneOf(values: readonly string[]): Check {
  return kind("enum", `Input should be ${values.map((v) => `'${v}'`).join(", ")}`, (v) => values.includes(v as string));
}

/** Null, or left out: both are none, as `X | None` is in the app. */
export function optional(check: Check): Check {
  return (value, loc) => (value === undefined || value === null ? [] : check(value, loc));
}

export function list(check: Check): Check {
  return (value, loc) => (Array.isArray(value) ? value.flatMap((item, i) => check(item, [...loc, i])) : [{ type: "list_type", loc, msg: "Input should be a valid list" }]);
}

/** A body, or a part of one: fields that are not named are passed over, as pydantic does. */
export function fields(checks: Readonly<Record<string, Check>>): Check {
  return (value, loc) => {
    if (!isRecord(value)) return [{ type: "model_attributes_type", loc, msg: "Input should be a valid dictionary or object to extract fields from" }];
    return Object.entries(checks).flatMap(([name, check]) => {
      const errors = check(value[name], [...loc, name]);
      return errors.length > 0 && !Object.hasOwn(value, name) ? [{ type: "missing", loc: [...loc, name], msg: "Field required" }] : errors;
    });
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
