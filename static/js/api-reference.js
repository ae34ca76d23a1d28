// Shows the API reference; trial requests use this browser's sign-in and its CSRF token.
const place = document.querySelector("[data-api-reference]");

const response = await fetch(place.dataset.apiReference);
const spec = await response.json();
// Use the host name of this page: any other name of the site would be another origin.
spec.servers = [{ url: new URL("/api/v1", window.location.href).href }];

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const paint = () => {
  const look = document.documentElement.dataset.look;
  const isDark = look ? look !== "light" : dark.matches;
  document.documentElement.classList.toggle("dark-mode", isDark);
};
paint();
dark.addEventListener("change", paint);
new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["data-look"] });

window.SwaggerUIBundle({
  domNode: place,
  spec,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  filter: true,
  tryItOutEnabled: false,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = place.dataset.csrfToken;
    return request;
  },
});
