/** Cases of every run of the tests; what they cover together is tested. Others are for the long suite. */
export const SEEDS = [3, 20, 131, 224]
/** Those whose objects are in a bucket. */
export const SEEDS_IN_BUCKET = [308]
