// Serves an API on loopback with the AppSync simulator of Amplify: node simulator.js SCHEMA FOLDER PORT KEY,
// where FOLDER is where the simulator is installed. The broadcast mutation has a resolver without a data source.
const { readFileSync } = require("fs");
const { createRequire } = require("module");
const { Server } = require("net");

const [schema, folder, port, apiKey] = process.argv.slice(2);

// The simulator would listen on every interface.
const listen = Server.prototype.listen;
Server.prototype.listen = function (where, ...rest) {
  const options = typeof where === "object" && where !== null ? where : { port: Number(where) };
  const callbacks = rest.filter((each) => typeof each === "function");
  return listen.call(this, { ...options, host: "127.0.0.1" }, ...callbacks);
};

const resolver = (typeName, fieldName, payload) => ({
  kind: "UNIT",
  typeName,
  fieldName,
  dataSourceName: "none",
  requestMappingTemplate: `{"version": "2018-05-29", "payload": ${payload}}`,
  responseMappingTemplate: "$util.toJson($context.result)",
});

const { AmplifyAppSyncSimulator } = createRequire(`${folder}/`)("@aws-amplify/amplify-appsync-simulator");
const simulator = new AmplifyAppSyncSimulator({ port: Number(port) });
simulator.init({
  appSync: {
    name: "bench",
    apiKey,
    defaultAuthenticationType: { authenticationType: "API_KEY" },
    additionalAuthenticationProviders: [{ authenticationType: "AWS_IAM" }],
  },
  schema: { content: readFileSync(schema, "utf8") },
  dataSources: [{ name: "none", type: "NONE" }],
  resolvers: [
    resolver("Mutation", "publishFromBus", "$util.toJson($context.arguments)"),
    resolver("Subscription", "subscribe", "null"),
  ],
});
simulator.start();
