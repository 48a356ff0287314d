/** A file to start from: two replicas on different nodes, a store with a volume, an address. */
export const exampleCompose = (registry: string | undefined): string => `name: visitors

x-grid:
  budget: 5 TFT/h
  deposit: 200 TFT

services:
  web:
    image: ${registry ?? "registry.example"}/guestbook-web:1
    environment:
      STORE_URL: http://store:7000
      TITLE: Visitors
    depends_on:
      store:
        condition: service_healthy
    healthcheck:
      x-http: 8080/healthz
      interval: 2s
    deploy:
      replicas: 2
      resources:
        limits:
          cpus: "0.25"
          memory: 128m
    x-grid:
      placement:
        spread: node
    x-ingress:
      name: visitors
      port: 8080

  store:
    image: ${registry ?? "registry.example"}/guestbook-store:1
    volumes:
      - messages:/data
    healthcheck:
      x-http: 7000/healthz
      interval: 2s
    deploy:
      resources:
        limits:
          cpus: "0.25"
          memory: 128m

volumes:
  messages:
    x-size: 128m
`;
