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

/** Text sizes in pixels, and the width of an ordinary letter as a share of it: the widest that common system fonts have. */
export const TEXT: Readonly<Record<TextStyle, { readonly size: number; readonly letter: number; readonly monospaced: boolean }>> = {
  name: { size: 12.5, letter: 0.72, monospaced: false },
  detail: { size: 11.5, letter: 0.64, monospaced: false },
  port: { size: 11, letter: 0.605, monospaced: true },
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

/** Width of a text, rather too wide than too narrow: nobody knows the reader's fonts. */
export function textWidth(text: string, style: TextStyle): number {
  const { size, letter, monospaced } = TEXT[style];
  return [...text].reduce((sum, character) => sum + (monospaced ? 1 : relativeWidth(character)), 0) * size * letter;
}

function relativeWidth(character: string): number {
  if (/[ijlt.,:;'|! ]/.test(character)) return 0.6;
  if (/[mwMW@%→…]/.test(character)) return 1.5;
  return /[A-Z]/.test(character) ? 1.15 : 1;
}

/** The text, or as much of it as fits `width` with an ellipsis. */
export function fitted(text: string, width: number, style: TextStyle): Pick<Label, "text" | "whole"> {
  if (textWidth(text, style) <= width) return { text };
  let kept = [...text];
  while (kept.length > 1 && textWidth(`${kept.join("")}…`, style) > width) kept = kept.slice(0, -1);
  return { text: `${kept.join("")}…`, whole: text };
}

/** At most two lines of a sentence; the rest is cut. */
export function twoLines(text: string, width: number, style: TextStyle): string[] {
  const words = text.split(" ");
  let first = words.length;
  while (first > 1 && textWidth(words.slice(0, first).join(" "), style) > width) first -= 1;
  return first === words.length ? [text] : [words.slice(0, first).join(" "), words.slice(first).join(" ")];
}
