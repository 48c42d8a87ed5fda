-- Whether the current run has tried every effect that it found when it began.
alter table run add column effects_tried boolean not null default false;
