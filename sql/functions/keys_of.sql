-- summary: The keys that a text names with commas between.
-- param: given TEXT -- such as 'srcaddr, dstport'
CREATE OR REPLACE MACRO keys_of(given) AS string_split(replace(given, ' ', ''), ',');
