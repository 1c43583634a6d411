DROP TRIGGER list_match_change ON banking_bankconnection;
DROP FUNCTION list_files_of_connection();
DROP TRIGGER list_match_change ON banking_bankfile;
DROP FUNCTION list_changed_file();
