// RepriseCommands
