/** What somebody may have meant. */

/** Letters alone: `sample_rate` and `samplerate` are as good as `sampleRate`. */
const plain = (name: string) => name.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase();

/** How many letters have to be added, left out or changed. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [line, letter] of Array.from(from).entries()) {
    const next = [line + 1];
    for (let column = 0; column < to.length; column++) {
      const changed = (row[column] as number) + (letter === to[column] ? 0 : 1);
      next.push(Math.min(changed, (row[column + 1] as number) + 1, (next[column] as number) + 1));
    }
    row = next;
  }
  return row.at(-1) as number;
}

const LONGEST = 64;

/** The end of a message about an unknown name: the nearest of the known ones if one is near, and all of them. */
export function nearest(name: string, known: readonly string[]): string {
  const wanted = plain(name.slice(0, LONGEST));
  const [best] = known
    .map((one) => ({ one, far: distance(wanted, plain(one)) }))
    .sort((left, right) => left.far - right.far);
  const near = best !== undefined && best.far <= Math.max(1, Math.floor(wanted.length / 3));
  const hint = near ? `, did you mean '${best.one}'?` : ':';
  return `'${name.slice(0, LONGEST)}'${hint} expected one of ${known.join(', ')}`;
}
