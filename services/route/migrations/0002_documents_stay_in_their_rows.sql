-- A handover is a JSON document of about 4 KB, written once, and a lead's activities change with each record: squeezing them, or moving
-- them to a table and an index of their own, costs more than the room. Rows of up to 8 KB stay as they are.
ALTER TABLE handover ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE handover SET (toast_tuple_target = 8160);
ALTER TABLE lead SET (toast_tuple_target = 8160);
