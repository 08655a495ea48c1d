-- name: turns
SELECT json_array(
    (
        SELECT json_group_array(json_array(lanes.queue, lanes.task, lanes.priority, lanes.turn))
        FROM json_each(:lanes) AS wanted CROSS JOIN lanes
        ON lanes.queue = wanted.value->>0 AND lanes.task = wanted.value->>1 AND lanes.priority = wanted.value->>2
    ),
    (
        SELECT json_group_array(json_array(turns.queue, turns.priority, turns.owner, turns.turn))
        FROM json_each(:owners) AS wanted CROSS JOIN turns
        ON turns.queue = wanted.value->>0 AND turns.priority = wanted.value->>1 AND turns.owner = wanted.value->>2
    )
)

-- name: advance_lanes
-- Never back: a job that kept its old turn, after a retry say, may be claimed late.
INSERT INTO lanes (queue, task, priority, turn)
SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each(:rows) WHERE true
ON CONFLICT DO UPDATE SET turn = excluded.turn WHERE excluded.turn > turn

-- name: give_turns
INSERT INTO turns (queue, priority, owner, turn)
SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each(:rows) WHERE true
ON CONFLICT DO UPDATE SET turn = excluded.turn
