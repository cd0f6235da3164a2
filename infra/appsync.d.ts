// What APPSYNC_JS has beside the language (AppSync developer guide, supported runtime features).
declare const console: { log(...values: unknown[]): void; error(...values: unknown[]): void };
