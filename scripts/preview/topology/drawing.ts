/** A drawing as plain values: boxes, texts inside boxes, and wires. */

export interface Box {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** `frame`: not drawn, it only says where texts belong. */
  readonly style: "node" | "witness" | "job" | "copy" | "floating" | "people" | "outside" | "frame";
}

export interface Label {
  /** Id of the box that it must stay in. */
  readonly in: string;
  readonly x: number;
  /** Baseline. */
  readonly y: number;
  readonly text: string;
  /** Uncut, where it had to be cut. */
  readonly whole?: string;
  readonly style: TextStyle;
  readonly anchor?: "start" | "middle" | "end";
}

export type TextStyle = "name" | "detail" | "port";

/** Text sizes in pixels, and the width of a character as a share of it: the widest that common system fonts have. */
export const TEXT: Readonly<Record<TextStyle, { readonly size: number; readonly character: number }>> = {
  name: { size: 12.5, character: 0.68 },
  detail: { size: 11.5, character: 0.62 },
  port: { size: 11, character: 0.605 },
};

/** Wires of one lane. */
export interface Wires {
  /** Index into the palette. */
  readonly hue: number;
  readonly title: string;
  readonly x: number;
  readonly ends: readonly WireEnd[];
}

export interface WireEnd {
  /** Where it meets a row. */
  readonly x: number;
  readonly y: number;
  readonly called: boolean;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly labels: readonly Label[];
  readonly wires: readonly Wires[];
}

/** Characters that fit a width. */
export function characters(width: number, style: TextStyle): number {
  return Math.max(1, Math.floor(width / (TEXT[style].size * TEXT[style].character)));
}

/** The text, or as much of it as fits `width` with an ellipsis. */
export function fitted(text: string, width: number, style: TextStyle): Pick<Label, "text" | "whole"> {
  const room = characters(width, style);
  return text.length <= room ? { text } : { text: `${text.slice(0, room - 1)}…`, whole: text };
}
