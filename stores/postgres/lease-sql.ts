/** True for a run `r` that is under way, or is going to be by itself. */
export const RUN_UNDER_WAY = `(r.status IN ('accepted', 'running') OR r.next_attempt_at IS NOT NULL)`

/**
 * True for a transfer `t` that still holds what it needs: it was not released, and its time is not over or its
 * run `r` is under way.
 */
export const TRANSFER_HOLDS = `(t.released_at IS NULL AND (t.expires_at > now() OR ${RUN_UNDER_WAY}))`

/**
 * True for a pack `p` that work under way relies on: one that was used since a push began which is under way (or
 * up to two minutes before it, since uses are not noted more often), or one that it has found to have a chunk.
 */
export const PACK_HELD = `(
  EXISTS (
    SELECT 1 FROM data_transfers t JOIN runs r ON r.id = t.run_id AND r.kind = 'push'
    WHERE t.project = p.project AND ${TRANSFER_HOLDS} AND t.opened_at - interval '2 minutes' <= p.used_at)
  OR EXISTS (
    SELECT 1 FROM data_holds h
    JOIN data_transfers t ON t.run_id = h.owner JOIN runs r ON r.id = t.run_id
    WHERE h.pack_id = p.id AND ${TRANSFER_HOLDS}))`
