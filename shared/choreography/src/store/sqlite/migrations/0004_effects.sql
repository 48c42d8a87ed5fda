-- The message's name, the second token of the subject: effects are read for each message by itself, so that what one
-- message has queued does not delay another one's.
alter table effects add column message text generated always as (
    substr(subject, instr(subject, '.') + 1, instr(substr(subject, instr(subject, '.') + 1), '.') - 1)
) virtual;
create index effects_message on effects (message, number);
