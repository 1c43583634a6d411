DROP TRIGGER number_once ON platform_feedrow;
DROP TRIGGER append_only ON platform_feedseries;
DROP FUNCTION feed_has_moved;
DROP FUNCTION feed_place;
DROP FUNCTION feed_row;
