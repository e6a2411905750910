// Where the console is: above its scripts, also in a workspace beneath a path of its own.
export const HOME = new URL("..", import.meta.url).pathname.slice(0, -1);
