// For browsers the modules of all rooms lie in one folder; each room has its own. To be imported
// before a module that imports one of another room, which then has to come by `import()`.

import { register } from "node:module";

const hook = `
  export async function resolve(specifier, context, next) {
    const address = new URL(specifier, context.parentURL).href;
    const inRoom = /^(.*[/]creators[/])[^/]+([/]static[/]([^/]+)[/].*)$/.exec(address);
    if (!specifier.startsWith(".") || inRoom === null) return next(specifier, context);
    const [, folder, path, room] = inRoom;
    return next(folder + room + path, context);
  }`;

register(`data:text/javascript,${encodeURIComponent(hook)}`);
