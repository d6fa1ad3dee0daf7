/** Why this exists: a story as lines in columns for a terminal, and as a diagram for a page. */
import type { Line } from "./story.ts";

const LINES_MAX = 40;
const COLUMN_MAX = 26;

/** At most 40 lines: a column for each lane that takes part, the oldest left out and counted. */
export function timeline(story: readonly Line[]): string[] {
  const kept = story.slice(-(LINES_MAX - 2));
  const lanes = lanesOf(kept);
  const width = (lane: string): number => {
    const texts = kept.filter((line) => line.lane === lane).map(({ text }) => text.length + 2);
    return Math.min(COLUMN_MAX, Math.max(lane.length, ...texts));
  };
  const columns = lanes.map((lane) => ({ lane, width: width(lane) }));
  const head = columns.map(({ lane, width }) => lane.padEnd(width)).join("  ");
  const rows = kept.map(({ at, lane, text, to }) => {
    const cells = columns.map((column) => {
      if (column.lane !== lane) return " ".repeat(column.width);
      return `${text}${to === null ? "" : " ▶"}`.padEnd(column.width);
    });
    return `${String(Math.round(at)).padStart(8)}  ${cells.join("  ")}`.trimEnd();
  });
  const left = story.length - kept.length;
  return [`   t(ms)  ${head}`, ...(left > 0 ? [`          … ${left} earlier`] : []), ...rows];
}

/** Mermaid: paste it into a page that draws it. */
export function sequenceDiagram(story: readonly Line[]): string {
  const lanes = lanesOf(story);
  const id = (lane: string): string => `L${lanes.indexOf(lane)}`;
  const lines = story.map(({ at, lane, text, to }) => {
    const said = `${Math.round(at)} ms: ${text.replaceAll(/[;#]/g, ",")}`;
    if (to === null || !lanes.includes(to)) return `  Note over ${id(lane)}: ${said}`;
    return `  ${id(lane)}->>${id(to)}: ${said}`;
  });
  const participants = lanes.map((lane) => `  participant ${id(lane)} as ${lane}`);
  return ["sequenceDiagram", ...participants, ...lines, ""].join("\n");
}

/** In the order in which they are met; faults first, the broker last. */
function lanesOf(story: readonly Line[]): string[] {
  const lanes = [...new Set(story.flatMap(({ lane, to }) => (to === null ? [lane] : [lane, to])))];
  const rank = (lane: string): number => (lane === "fault" ? 0 : lane === "kafka" ? 2 : 1);
  return lanes.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
