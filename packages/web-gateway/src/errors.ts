import { defineErrors } from "@tfgrid/primitives";

const { catalogue, fail } = defineErrors({
  "gateway.unknown_host": {
    summary: "This gateway serves nothing under this host name.",
    cure: "Check the name; a solution deployed a moment ago appears when its gateway node has applied its contract.",
  },
  "gateway.no_backend": {
    summary: "No replica of this service is healthy at the moment.",
    cure: "Try again in a few seconds; the owner sees the cause in the solution's timeline.",
  },
  "gateway.backend_failed": {
    summary: "The service broke off while it answered.",
    cure: "Try again; the owner finds the cause in the service's log.",
  },
  "gateway.backend_slow": {
    summary: "The service did not answer in time.",
    cure: "Try again later; the owner finds the cause in the service's log.",
  },
  "gateway.bad_request": {
    summary: "The request cannot be read.",
    cure: "Send a valid HTTP request with fewer and smaller headers.",
  },
  "gateway.request_too_slow": {
    summary: "The request took too long to arrive.",
    cure: "Send the whole request at once.",
  },
  "gateway.too_many_requests": {
    summary: "This address sends more requests than the gateway takes from one client.",
    cure: "Wait ten seconds and send fewer requests at a time.",
  },
  "gateway.body_too_large": {
    summary: "The request's body is larger than the gateway lets through.",
    cure: "Send it in smaller parts.",
  },
  "gateway.invalid_route": {
    summary: "A route cannot be served as it is written.",
    cure: "Correct the field named in the message.",
  },
  "gateway.duplicate_host": {
    summary: "Two routes have the same host name.",
    cure: "Give each host name to one service.",
  },
  "gateway.too_many_routes": {
    summary: "The gateway node serves as many routes as it can.",
    cure: "Use another gateway node.",
  },
  "gateway.namespace_missing": {
    summary: "The private network of this route is not on the gateway node yet.",
    cure: "Nothing to do: the route is served as soon as the network is there.",
  },
  "gateway.no_backends_yet": {
    summary: "No replica of the service has been reported yet.",
    cure: "Nothing to do: the route is served as soon as a replica runs.",
  },
  "gateway.haproxy_missing": {
    summary: "HAProxy is not installed on this machine.",
    cure: "Install it: apt-get install haproxy (2.6 or newer).",
  },
  "gateway.config_refused": {
    summary: "HAProxy refused the configuration.",
    cure: "Report the message as a fault of the gateway; the former configuration is served on.",
  },
  "gateway.start_failed": {
    summary: "HAProxy did not start.",
    cure: "Look at the message; most often another program uses the port.",
  },
  "gateway.socket_failed": {
    summary: "HAProxy does not answer on its run-time socket.",
    cure: "Nothing to do: the gateway looks again and starts HAProxy anew when it has ended.",
  },
});
export const gatewayErrors = catalogue;
export { catalogue, fail };
