-- summary: The English name of a moment's day of the week.
-- param: moment TIMESTAMP -- a date, a time or a text of one; NULL gives NULL
CREATE OR REPLACE MACRO day_of_week(moment) AS dayname(moment::TIMESTAMP);
