Console.Error.WriteLine("milena: not built yet");
return 1;
