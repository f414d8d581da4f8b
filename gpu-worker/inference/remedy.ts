/**
 * What is done about a run that failed. Pure. Memory: half as many items a run, and a single one that does not fit is
 * handed back to be made smaller or run alone. Anything else: halves, until the item at fault stands alone, so that
 * its neighbours succeed and it fails by itself.
 */
type Remedy<Item> =
  | { readonly kind: 'again'; readonly groups: readonly (readonly Item[])[] }
  | { readonly kind: 'too-large'; readonly item: Item }
  | { readonly kind: 'at-fault'; readonly item: Item };

/**
 * Every remedy is nearer to an end than what failed: smaller groups, or the same in smaller runs.
 * @param failed the items that ran
 * @param smallerRun most items of a run from now on, where that was lowered
 */
export function remedyFor<Item>(
  failed: readonly [Item, ...Item[]],
  isOutOfMemory: boolean,
  smallerRun: number | undefined,
): Remedy<Item> {
  const [item, ...others] = failed;
  if (smallerRun !== undefined) return { kind: 'again', groups: chunks(failed, smallerRun) };
  if (others.length > 0) return { kind: 'again', groups: chunks(failed, Math.ceil(failed.length / 2)) };
  return { kind: isOutOfMemory ? 'too-large' : 'at-fault', item };
}

function chunks<Item>(items: readonly Item[], most: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, index) =>
    items.slice(index * most, (index + 1) * most),
  );
}
