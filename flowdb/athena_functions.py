"""Athena's functions, by name: what each is in DuckDB, how many arguments it takes, of what kind it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

__all__ = ["Function", "functions"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its DuckDB name, the least and the most arguments (-1: any), the kind of its value.

    The kind is empty where it depends; `same` is that of the first argument.
    """

    target: str
    least: int
    most: int
    kind: str


# Name, DuckDB's name (- for the same one), arguments, kind. Names that begin with athena_ are in sql/athena.
_TABLE = """
abs - 1 same
acos - 1 double
any_value - 1 same
approx_percentile quantile_disc 2 same
arbitrary any_value 1 same
array_agg - 1 array
array_distinct athena_array_distinct 1 array
array_except athena_array_except 2 array
array_intersect athena_array_intersect 2 array
array_max athena_array_max 1
array_min athena_array_min 1
array_position athena_array_position 2 int
array_remove athena_array_remove 2 array
array_sort athena_array_sort 1 array
array_union athena_array_union 2 array
arrays_overlap athena_arrays_overlap 2 boolean
asin - 1 double
at_timezone athena_at_timezone 2 ts
atan - 1 double
atan2 - 2 double
avg - 1 double
bit_count athena_bit_count 2 int
bitwise_and athena_bitwise_and 2 int
bitwise_and_agg bit_and 1 int
bitwise_left_shift athena_bitwise_left_shift 2 int
bitwise_not athena_bitwise_not 1 int
bitwise_or athena_bitwise_or 2 int
bitwise_or_agg bit_or 1 int
bitwise_right_shift athena_bitwise_right_shift 2 int
bitwise_right_shift_arithmetic athena_bitwise_right_shift 2 int
bitwise_xor xor 2 int
bitwise_xor_agg bit_xor 1 int
bool_and - 1 boolean
bool_or - 1 boolean
cbrt - 1 double
ceil - 1 same
ceiling ceil 1 same
chr - 1 text
coalesce - 1+ same
codepoint unicode 1 int
concat_ws - 2+ text
corr - 2 double
cos - 1 double
cosh - 1 double
count - 0-1 int
count_if - 1 int
covar_pop - 2 double
covar_samp - 2 double
cume_dist - 0 double
current_timezone athena_current_timezone 0 text
date athena_date 1 date
day - 1 int
day_of_month day 1 int
day_of_week isodow 1 int
day_of_year dayofyear 1 int
degrees - 1 double
dense_rank - 0 int
dow isodow 1 int
doy dayofyear 1 int
e athena_e 0 double
ends_with - 2 boolean
every bool_and 1 boolean
exp - 1 double
filter list_filter 2 array
first_value - 1 same
flatten - 1 array
floor - 1 same
from_base64 - 1
from_hex unhex 1
from_iso8601_date athena_date 1 date
from_iso8601_timestamp athena_from_iso8601_timestamp 1 zoned
from_iso8601_timestamp_nanos athena_from_iso8601_timestamp 1 zoned
from_unixtime athena_from_unixtime 1 zoned
from_unixtime_nanos athena_from_unixtime_nanos 1 zoned
from_utf8 decode 1 text
geometric_mean geomean 1 double
grouping - 1+ int
hamming_distance hamming 2 int
histogram - 1 map
hour - 1 int
infinity athena_infinity 0 double
ip_prefix athena_ip_prefix 2 prefix
ip_subnet_max athena_ip_subnet_max 1 ip
ip_subnet_min athena_ip_subnet_min 1 ip
ip_subnet_range athena_ip_subnet_range 1 array
is_finite isfinite 1 boolean
is_infinite isinf 1 boolean
is_nan isnan 1 boolean
is_subnet_of athena_is_subnet_of 2 boolean
json_array_length - 1 int
json_extract - 2
json_extract_scalar athena_json_extract_scalar 2 text
json_format athena_json_format 1 text
json_parse athena_json_parse 1
kurtosis - 1 double
lag - 1-3 same
last_day_of_month last_day 1 date
last_value - 1 same
lead - 1-3 same
length - 1 int
levenshtein_distance levenshtein 2 int
listagg string_agg 1-2 text
ln - 1 double
log athena_log 2 double
log10 - 1 double
log2 - 1 double
lower - 1 text
lpad - 3 text
ltrim - 1-2 text
map_entries - 1 array
map_keys - 1 array
map_values - 1 array
max - 1-2 same
max_by - 2-3
md5 athena_md5 1
millisecond athena_millisecond 1 int
min - 1-2 same
min_by - 2-3
minute - 1 int
mod athena_mod 2 int
month - 1 int
nan athena_nan 0 double
normalize nfc_normalize 1 text
now athena_now 0 zoned
nth_value - 2 same
ntile - 1 int
nullif - 2 same
percent_rank - 0 double
pi - 0 double
pow - 2 double
power pow 2 double
quarter - 1 int
radians - 1 double
rand random 0 double
random - 0 double
rank - 0 int
regexp_count athena_regexp_count 2 int
regexp_extract_all - 2-3 array
regexp_like regexp_matches 2 boolean
regexp_split regexp_split_to_array 2 array
regr_intercept - 2 double
regr_slope - 2 double
repeat athena_repeat 2 array
round - 1-2 same
row - 1+
row_number - 0 int
rpad - 3 text
rtrim - 1-2 text
second - 1 int
sha1 athena_sha1 1
sha256 athena_sha256 1
sign - 1 same
sin - 1 double
sinh - 1 double
skewness - 1 double
slice athena_slice 3 array
split string_split 2 array
split_part athena_split_part 3 text
sqrt - 1 double
starts_with - 2 boolean
stddev - 1 double
stddev_pop - 1 double
stddev_samp - 1 double
strpos - 2 int
sum - 1 same
tan - 1 double
tanh - 1 double
to_base athena_to_base 2 text
to_base64 - 1 text
to_hex hex 1 text
to_unixtime epoch 1 double
to_utf8 encode 1
transform list_transform 2 array
translate - 3 text
trim - 1-2 text
truncate trunc 1 same
typeof - 1 text
unicode - 1 int
upper - 1 text
url_decode - 1 text
url_encode - 1 text
url_extract_fragment athena_url_extract_fragment 1 text
url_extract_host athena_url_extract_host 1 text
url_extract_parameter athena_url_extract_parameter 2 text
url_extract_path athena_url_extract_path 1 text
url_extract_port athena_url_extract_port 1 int
url_extract_protocol athena_url_extract_protocol 1 text
url_extract_query athena_url_extract_query 1 text
uuid - 0
var_pop - 1 double
var_samp - 1 double
variance - 1 double
version - 0 text
week - 1 int
week_of_year week 1 int
width_bucket athena_width_bucket 4 int
with_timezone athena_with_timezone 2 zoned
year - 1 int
year_of_week isoyear 1 int
yow isoyear 1 int
zip list_zip 2+ array
"""


@cache
def functions() -> dict[str, Function]:
    """Return the functions that become one of DuckDB's or a macro; others need a look at their arguments."""
    found = {}
    for line in _TABLE.strip().splitlines():
        name, target, arguments, *kind = line.split()
        least, _, most = arguments.rstrip("+").partition("-")
        found[name] = Function(
            name if target == "-" else target,
            int(least),
            -1 if arguments.endswith("+") else int(most or least),
            kind[0] if kind else "",
        )
    return found
