/**
 * Why this exists: types for `mutants.mjs`, which Node runs as it is. Not named `mutants.d.mts`,
 * since Biome's import rule would then rewrite every import of the module to that name.
 */
declare module "*/mutants.mjs" {
  export interface Mutant {
    readonly id: string;
    readonly file: string;
    readonly find: string;
    readonly replace: string;
    readonly scenario: string;
    readonly expected: readonly string[];
    readonly why: string;
  }

  export const MUTANTS: readonly Mutant[];
}
