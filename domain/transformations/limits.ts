/** Categories of a column that a fitted state holds. */
export const CATEGORY_LIMIT = 10_000
/** Columns that are made of one. */
export const COLUMN_LIMIT = 1000
/** Columns that a step of interactions makes. */
export const PRODUCT_LIMIT = 1000
/** Parts of a cross-fit. */
export const FOLD_LIMIT = 100
